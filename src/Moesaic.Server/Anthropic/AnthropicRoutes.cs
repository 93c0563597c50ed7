using Moesaic.Server.Errors;
using Moesaic.Server.Routing;

namespace Moesaic.Server.Anthropic;

/// <summary>Anthropic's protocol. Its headers anthropic-version and anthropic-beta are taken whatever they say: there is one version here.</summary>
internal static class AnthropicRoutes
{
    public static IEnumerable<Route> All { get; } =
    [
        new("POST", "/v1/messages", RouteKey.User, ErrorEnvelope.Anthropic, MessagesRoute.HandleAsync),
        new("POST", "/v1/messages/count_tokens", RouteKey.User, ErrorEnvelope.Anthropic, MessagesRoute.CountAsync),
    ];
}
