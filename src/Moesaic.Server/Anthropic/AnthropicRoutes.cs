using Moesaic.Server.Routing;

namespace Moesaic.Server.Anthropic;

/// <summary>Anthropic's protocol.</summary>
internal static class AnthropicRoutes
{
    public static IEnumerable<Route> All => [];
}
