using System.Diagnostics;
using System.Globalization;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Moesaic.Server.Catalog;
using Moesaic.Server.Errors;
using Moesaic.Server.Routing;
using Moesaic.Server.Security;
using Moesaic.Server.Telemetry;

namespace Moesaic.Server.Hosting;

/// <summary>Every request's way: checks, route, handler, and whatever fails into the route's error envelope.</summary>
internal sealed partial class RequestDispatcher(HostServices services, RouteTable table, RequestGuard guard)
{
    private const int ClientClosedRequest = 499;

    public async Task HandleAsync(HttpContext http)
    {
        using IDisposable? departure = ClientDeparture.Watch(http);
        RequestContext context = new(http, services, RequestIds.Of(http.Request.Headers["X-Request-Id"].ToString()));
        http.Response.Headers["X-Request-Id"] = context.RequestId;
        http.Response.Headers.XContentTypeOptions = "nosniff";
        using Activity? activity = RequestTracing.Begin(http.Request, context.RequestId);
        int status;
        try
        {
            await RunAsync(context, activity).ConfigureAwait(false);
            status = http.Response.StatusCode;
        }
        catch (Exception exception) when (http.RequestAborted.IsCancellationRequested && exception is OperationCanceledException)
        {
            status = ClientClosedRequest;
            await TellGoneAsync(context).ConfigureAwait(false);
        }
        catch (Exception exception)
        {
            status = await TellAsync(context, exception).ConfigureAwait(false);
        }

        RequestTracing.End(activity, status);
        services.Metrics.CountResponse(status);
        LogRequest(services.Log, context.Route is { IsProbe: true } ? LogLevel.Debug : LogLevel.Information, http.Request.Method, context.Route?.Path ?? "(no route)", status, context.Elapsed.TotalMilliseconds, context.Tenant, context.RequestId);
    }

    private async Task RunAsync(RequestContext context, Activity? activity)
    {
        HttpContext http = context.Http;
        bool isFound = table.TryFind(http.Request.Path.Value ?? "/", out IReadOnlyList<Route>? routes, out string rest);
        context.Envelope = isFound ? routes![0].Envelope : ErrorEnvelopes.OfPath(http.Request.Path.Value ?? "/");
        if (context.Envelope == ErrorEnvelope.Anthropic)
        {
            // Anthropic's clients look for the id under this name.
            http.Response.Headers["request-id"] = context.RequestId;
        }

        // A slash within a name, such as owner%2Frepository, is the one escape that Kestrel leaves.
        context.Rest = rest.Replace("%2F", "/", StringComparison.OrdinalIgnoreCase);
        RequestGuard.CheckFraming(http.Request);
        guard.CheckSource(http.Request);
        if (!isFound)
        {
            throw ApiException.FromFramework(404);
        }

        Route route = Pick(routes!, http);
        context.Route = route;
        RequestTracing.SetRoute(activity, route.Method, route.Path);
        context.Tenant = guard.CheckKey(route, http.Request);
        guard.CheckBody(route, http.Request);
        if (!services.Models.IsReady && !route.WorksWhenNotReady)
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

    /// <summary>A client that has closed only its own side still reads, and must not take an empty answer for a good one.</summary>
    private async Task TellGoneAsync(RequestContext context)
    {
        HttpResponse response = context.Http.Response;
        if (response.HasStarted || response.ContentType is not null)
        {
            // A stream had begun, if only in our buffers: it ends without its end mark.
            context.Http.Abort();
            return;
        }

        response.Headers.Connection = "close";
        await TellAsync(context, new ApiException(
            400, ErrorCodes.BadRequest, "the connection's sending side was closed before the answer was complete, which cancels the request; keep it open until then")).ConfigureAwait(false);
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

        if (services.Models.State == ReadinessState.Draining)
        {
            http.Response.Headers.Connection = "close";
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

    [LoggerMessage(Message = "{Method} {Route} -> {Status} in {Milliseconds:0.0} ms, tenant '{Tenant}', request {RequestId}")]
    private static partial void LogRequest(ILogger logger, LogLevel level, string method, string route, int status, double milliseconds, string tenant, string requestId);

    [LoggerMessage(Level = LogLevel.Error, Message = "request {RequestId} failed")]
    private static partial void LogFailure(ILogger logger, Exception exception, string requestId);
}
