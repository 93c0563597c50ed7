using Moesaic.Server.Routing;

namespace Moesaic.Server.OpenAi;

/// <summary>OpenAI's protocol and its neighbours.</summary>
internal static class OpenAiRoutes
{
    public static IEnumerable<Route> All => [];
}
