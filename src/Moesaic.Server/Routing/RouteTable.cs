using System.Diagnostics.CodeAnalysis;

namespace Moesaic.Server.Routing;

/// <summary>Finds the route of a request.</summary>
internal sealed class RouteTable
{
    private const string AnyRest = "/*";

    private readonly Dictionary<string, List<Route>> _exact = new(StringComparer.Ordinal);
    private readonly Dictionary<string, List<Route>> _prefixes = new(StringComparer.Ordinal);

    /// <param name="routes">All of them.</param>
    /// <param name="hasAdminKey">Without one, admin routes are left out.</param>
    /// <exception cref="ArgumentException">A route is there twice or says nothing about its key.</exception>
    public RouteTable(IEnumerable<Route> routes, bool hasAdminKey)
    {
        foreach (Route route in routes)
        {
            if (!Enum.IsDefined(route.Key) || route.Key == RouteKey.Undecided)
            {
                throw new ArgumentException($"{route.Method} {route.Path} does not say who may use it.");
            }

            if (route.Key == RouteKey.Admin && !hasAdminKey)
            {
                continue;
            }

            bool isPrefix = route.Path.EndsWith(AnyRest, StringComparison.Ordinal);
            Dictionary<string, List<Route>> map = isPrefix ? _prefixes : _exact;
            string path = isPrefix ? route.Path[..^1] : route.Path;
            if (!map.TryGetValue(path, out List<Route>? onPath))
            {
                map.Add(path, onPath = []);
            }

            if (onPath.Exists(r => r.Method == route.Method))
            {
                throw new ArgumentException($"{route.Method} {route.Path} is in the table twice.");
            }

            onPath.Add(route);
        }
    }

    /// <summary>The routes on a path, one for each method, and what of the path a prefix left.</summary>
    public bool TryFind(string path, [NotNullWhen(true)] out IReadOnlyList<Route>? routes, out string rest)
    {
        rest = "";
        if (_exact.TryGetValue(path, out List<Route>? exact))
        {
            routes = exact;
            return true;
        }

        foreach ((string prefix, List<Route> onPrefix) in _prefixes)
        {
            if (path.Length > prefix.Length && path.StartsWith(prefix, StringComparison.Ordinal))
            {
                routes = onPrefix;
                rest = path[prefix.Length..];
                return true;
            }
        }

        routes = null;
        return false;
    }
}
