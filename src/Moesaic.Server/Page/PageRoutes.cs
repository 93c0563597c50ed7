using Moesaic.Server.Routing;

namespace Moesaic.Server.Page;

/// <summary>The chat page's static files.</summary>
internal static class PageRoutes
{
    public static IEnumerable<Route> All => [];
}
