using Moesaic.Server.Errors;

namespace Moesaic.Server.Routing;

/// <summary>Who may use a route.</summary>
internal enum RouteKey
{
    /// <summary>Nobody thought about it; refused by the table.</summary>
    Undecided = 0,

    /// <summary>Everybody: health and the page's static files.</summary>
    Public,

    /// <summary>Whoever has one of the API keys, when there are any.</summary>
    User,

    /// <summary>Whoever has the admin key; the route is absent without one.</summary>
    Admin,
}

/// <summary>One method on one path.</summary>
/// <param name="Method">GET or POST, in capitals. GET answers HEAD too.</param>
/// <param name="Path">The exact path, or one that ends in <c>/*</c>: then the rest, which may hold slashes, is <see cref="RequestContext.Rest"/>.</param>
/// <param name="Key">Who may use it.</param>
/// <param name="Envelope">How errors are told.</param>
/// <param name="Handler">Answers a request; throws <see cref="ApiException"/> before the response begins.</param>
internal sealed record Route(string Method, string Path, RouteKey Key, ErrorEnvelope Envelope, Func<RequestContext, Task> Handler)
{
    /// <summary>Whether it also works while models load or the host drains.</summary>
    public bool WorksWhenNotReady { get; init; }

    /// <summary>Whether machines ask it all the time: logged for debugging only.</summary>
    public bool IsProbe { get; init; }

    /// <summary>Whether a body is expected: JSON, bounded.</summary>
    public bool HasBody => Method == "POST";
}
