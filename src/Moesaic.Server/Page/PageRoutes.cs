using Moesaic.Server.Errors;
using Moesaic.Server.Routing;

namespace Moesaic.Server.Page;

/// <summary>The chat page's static files. They need no key, since they hold nothing of the host's, and show while models load.</summary>
internal static class PageRoutes
{
    public static IEnumerable<Route> All { get; } =
    [
        .. PageFiles.All.Select(file => new Route("GET", file.Path, RouteKey.Public, ErrorEnvelope.OpenAi, context => file.WriteAsync(context.Http))
        {
            WorksWhenNotReady = true,
        }),
    ];
}
