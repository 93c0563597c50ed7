using System.Globalization;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Moesaic.Server.Errors;
using Moesaic.Server.Routing;
using Moesaic.Server.Security;

namespace Moesaic.Server.Hosting;

/// <summary>Every request's way: checks, route, handler, and whatever fails into the route's error envelope.</summary>
internal sealed partial class RequestDispatcher(HostServices services, RouteTable table, RequestGuard guard)
{
    private const int MaxRequestIdLength = 128;
    private const int ClientClosedRequest = 499;

    public async Task HandleAsync(HttpContext http)
    {
        RequestContext context = new(http, services, RequestId(http));
        http.Response.Headers["X-Request-Id"] = context.RequestId;
        http.Response.Headers.XContentTypeOptions = "nosniff";
        int status;
        try
        {
            await RunAsync(context).ConfigureAwait(false);
            status = http.Response.StatusCode;
        }
        catch (Exception exception) when (http.RequestAborted.IsCancellationRequested && exception is OperationCanceledException or IOException)
        {
            status = ClientClosedRequest;
        }
        catch (Exception exception)
        {
            status = await TellAsync(context, exception).ConfigureAwait(false);
        }

        LogRequest(services.Log, http.Request.Method, status, context.Elapsed.TotalMilliseconds, context.Tenant, context.RequestId);
    }

    private async Task RunAsync(RequestContext context)
    {
        HttpContext http = context.Http;
        bool isFound = table.TryFind(http.Request.Path.Value ?? "/", out IReadOnlyList<Route>? routes, out string rest);
        context.Envelope = isFound ? routes![0].Envelope : ErrorEnvelope.OpenAi;
        context.Rest = rest;
        guard.CheckSource(http.Request);
        if (!isFound)
        {
            throw ApiException.FromFramework(404);
        }

        Route route = Pick(routes!, http);
        context.Tenant = guard.CheckKey(route, http.Request);
        guard.CheckBody(route, http.Request);
        if (!route.WorksWhenNotReady && !services.Models.IsReady)
        {
            throw OperationRoutes.Unavailable(services.Models.State);
        }

        await route.Handler(context).ConfigureAwait(false);
    }

    private static Route Pick(IReadOnlyList<Route> routes, HttpContext http)
    {
        string method = HttpMethods.IsHead(http.Request.Method) ? "GET" : http.Request.Method;
        foreach (Route route in routes)
        {
            if (route.Method == method)
            {
                return route;
            }
        }

        http.Response.Headers.Allow = string.Join(", ", routes.Select(static r => r.Method == "GET" ? "GET, HEAD" : r.Method));
        throw ApiException.FromFramework(405);
    }

    private async Task<int> TellAsync(RequestContext context, Exception exception)
    {
        HttpContext http = context.Http;
        ApiException error = ApiException.From(exception);
        if (error.Status >= 500 && error.InnerException is not null)
        {
            LogFailure(services.Log, error.InnerException, context.RequestId);
        }

        if (http.Response.HasStarted)
        {
            // Cut off in the middle, which no client can take for a whole answer.
            http.Abort();
            return error.Status;
        }

        if (error.RetryAfter is { } retryAfter)
        {
            http.Response.Headers.RetryAfter = Math.Max(1, (long)Math.Ceiling(retryAfter.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        }

        if (error.Status == 401)
        {
            http.Response.Headers.WWWAuthenticate = "Bearer";
        }

        await context.WriteJsonAsync(error.Status, writer => ErrorEnvelopes.Write(writer, context.Envelope, error, context.RequestId)).ConfigureAwait(false);
        return error.Status;
    }

    /// <summary>The client's id if it can be put into a header and a log line as it is.</summary>
    private static string RequestId(HttpContext http)
    {
        string given = http.Request.Headers["X-Request-Id"].ToString();
        return given.Length is > 0 and <= MaxRequestIdLength && given.All(static c => c is > ' ' and < '\x7f')
            ? given
            : "req_" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(12));
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "{Method} -> {Status} in {Milliseconds:0.0} ms, tenant '{Tenant}', request {RequestId}")]
    private static partial void LogRequest(ILogger logger, string method, int status, double milliseconds, string tenant, string requestId);

    [LoggerMessage(Level = LogLevel.Error, Message = "request {RequestId} failed")]
    private static partial void LogFailure(ILogger logger, Exception exception, string requestId);
}
