using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;
using Moesaic.Server.Errors;
using Moesaic.Server.Routing;

namespace Moesaic.Server.Security;

/// <summary>Who may ask, from where, and with what kind of body.</summary>
internal sealed class RequestGuard(ServerOptions options)
{
    private readonly KeyRing _userKeys = new(options.ApiKeys);
    private readonly KeyRing _adminKeys = new(options.AdminKey is null ? [] : [options.AdminKey]);

    /// <summary>
    /// Refuses names that a web page could have made to point here (rebinding), and pages from elsewhere. An address cannot be
    /// rebound, so every address is a fine host.
    /// </summary>
    /// <exception cref="ApiException">400 or 403.</exception>
    public void CheckSource(HttpRequest request)
    {
        // Without the header (HTTP/1.0) no browser asked.
        string host = request.Host.Host;
        if (host.Length > 0 && !IPAddress.TryParse(host.Trim('[', ']'), out _) && !IsAllowedName(host))
        {
            throw new ApiException(400, ErrorCodes.InvalidHost, "the Host header names a host that this server does not answer for; allow it with --allowed-host");
        }

        string origin = request.Headers.Origin.ToString();
        if (origin.Length > 0 && !(Uri.TryCreate(origin, UriKind.Absolute, out Uri? uri) && IsSameAuthority(uri, request)))
        {
            throw new ApiException(403, ErrorCodes.InvalidOrigin, "requests of web pages from other origins are not answered");
        }
    }

    /// <summary>
    /// Refuses what two servers in a row could read as two different requests: a length beside chunks (Kestrel sets it aside), an
    /// encoding besides chunks (Kestrel takes the body without decoding it), and chunks of a version that has none.
    /// </summary>
    /// <exception cref="ApiException">400.</exception>
    public static void CheckFraming(HttpRequest request)
    {
        StringValues encoding = request.Headers.TransferEncoding;
        string? problem = encoding.Count == 0 ? null
            : request.Headers.ContainsKey("X-Content-Length") ? "the request has both Content-Length and Transfer-Encoding; send one"
            : !HttpProtocol.IsHttp11(request.Protocol) ? "Transfer-Encoding needs HTTP/1.1"
            : !encoding.ToString().Equals("chunked", StringComparison.OrdinalIgnoreCase) ? "the only Transfer-Encoding that this server takes is chunked"
            : null;
        if (problem is not null)
        {
            request.HttpContext.Response.Headers.Connection = "close";
            throw new ApiException(400, ErrorCodes.BadRequest, problem);
        }
    }

    /// <summary>Checks the key that a route needs.</summary>
    /// <returns>The key's name; empty when none is needed.</returns>
    /// <exception cref="ApiException">401.</exception>
    public string CheckKey(Route route, HttpRequest request)
    {
        KeyRing ring = route.Key == RouteKey.Admin ? _adminKeys : _userKeys;
        if (route.Key == RouteKey.Public || ring.IsEmpty)
        {
            return "";
        }

        const string scheme = "Bearer ";
        string authorization = request.Headers.Authorization.ToString();
        string presented = authorization.StartsWith(scheme, StringComparison.OrdinalIgnoreCase) ? authorization[scheme.Length..].Trim()
            : route.Envelope == ErrorEnvelope.Anthropic ? request.Headers["x-api-key"].ToString()
            : "";
        return ring.Find(presented) ?? throw new ApiException(
            401,
            ErrorCodes.InvalidApiKey,
            presented.Length == 0 ? "an API key is needed: Authorization: Bearer KEY" : "the API key is not one that this server knows");
    }

    /// <summary>Checks the kind and the announced size of a body.</summary>
    /// <exception cref="ApiException">413 or 415.</exception>
    public void CheckBody(Route route, HttpRequest request)
    {
        if (!route.HasBody)
        {
            return;
        }

        // A form or plain text could be sent by any web page without asking first.
        if (!MediaTypeHeaderValue.TryParse(request.ContentType, out MediaTypeHeaderValue? type)
            || !type.MediaType.Equals("application/json", StringComparison.OrdinalIgnoreCase)
            || (type.Charset.HasValue && !type.Charset.Equals("utf-8", StringComparison.OrdinalIgnoreCase) && !type.Charset.Equals("\"utf-8\"", StringComparison.OrdinalIgnoreCase))
            || !(request.Headers.ContentEncoding.Count == 0 || request.Headers.ContentEncoding.ToString().Equals("identity", StringComparison.OrdinalIgnoreCase)))
        {
            throw ApiException.FromFramework(415);
        }

        if (request.ContentLength > options.MaxBodyBytes)
        {
            throw new ApiException(413, ErrorCodes.BodyTooLarge, $"the request's body is {request.ContentLength} bytes, this server takes {options.MaxBodyBytes}");
        }
    }

    private bool IsAllowedName(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
        || options.AllowedHosts.Any(allowed => allowed == "*" || allowed.Equals(host, StringComparison.OrdinalIgnoreCase));

    private static bool IsSameAuthority(Uri origin, HttpRequest request) =>
        origin.Scheme is "http" or "https" && string.Equals(origin.Authority, Authority(request.Host, origin.Scheme), StringComparison.OrdinalIgnoreCase);

    // A proxy may end TLS before us, so the scheme is the origin's; its own port is left out by both sides.
    private static string Authority(HostString host, string scheme) =>
        host.Port is { } port && port != (scheme == "https" ? 443 : 80) ? host.Value! : host.Host;
}
