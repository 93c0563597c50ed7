using Moesaic.Server.Catalog;
using Moesaic.Server.Errors;
using Moesaic.Server.Routing;

namespace Moesaic.Server.Hosting;

/// <summary>What operators and load balancers ask.</summary>
internal static class OperationRoutes
{
    public static IEnumerable<Route> All =>
    [
        new("GET", "/health", RouteKey.Public, ErrorEnvelope.OpenAi, ReadyAsync) { WorksWhenNotReady = true },
        new("GET", "/health/ready", RouteKey.Public, ErrorEnvelope.OpenAi, ReadyAsync) { WorksWhenNotReady = true },
        new("GET", "/health/live", RouteKey.Public, ErrorEnvelope.OpenAi, LiveAsync) { WorksWhenNotReady = true },
        new("GET", "/version", RouteKey.User, ErrorEnvelope.OpenAi, VersionAsync) { WorksWhenNotReady = true },
    ];

    private static Task ReadyAsync(RequestContext context) => context.Models.IsReady
        ? context.WriteJsonAsync(200, static writer => WriteStatus(writer, "ready"))
        : throw Unavailable(context.Models.State);

    private static Task LiveAsync(RequestContext context) => context.WriteJsonAsync(200, static writer => WriteStatus(writer, "live"));

    private static Task VersionAsync(RequestContext context) => context.WriteJsonAsync(200, static writer =>
    {
        writer.WriteStartObject();
        writer.WriteString("version", typeof(OperationRoutes).Assembly.GetName().Version!.ToString(3));
        writer.WriteEndObject();
    });

    /// <summary>Why requests are not taken now, and when to try again.</summary>
    public static ApiException Unavailable(ReadinessState state) => state == ReadinessState.Draining
        ? new ApiException(503, ErrorCodes.Draining, "the server is shutting down: ask another one, or this one when it is back", retryAfter: TimeSpan.FromSeconds(10))
        : new ApiException(503, ErrorCodes.Loading, "the server is loading its models: try again soon", retryAfter: TimeSpan.FromSeconds(2));

    private static void WriteStatus(System.Text.Json.Utf8JsonWriter writer, string status)
    {
        writer.WriteStartObject();
        writer.WriteString("status", status);
        writer.WriteEndObject();
    }
}
