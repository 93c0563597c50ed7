using Moesaic.Server.Anthropic;
using Moesaic.Server.Hosting;
using Moesaic.Server.OpenAi;
using Moesaic.Server.Page;

namespace Moesaic.Server.Routing;

/// <summary>Every route of the host, with who may use it.</summary>
internal static class Routes
{
    public static IReadOnlyList<Route> All { get; } =
    [
        .. OperationRoutes.All,
        .. AdminRoutes.All,
        .. PageRoutes.All,
        .. OpenAiRoutes.All,
        .. AnthropicRoutes.All,
    ];
}
