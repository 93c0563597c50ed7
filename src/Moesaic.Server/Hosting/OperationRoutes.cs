using Moesaic.Server.Catalog;
using Moesaic.Server.Errors;
using Moesaic.Server.Metrics;
using Moesaic.Server.Routing;

namespace Moesaic.Server.Hosting;

/// <summary>What operators and load balancers ask.</summary>
internal static class OperationRoutes
{
    public static IEnumerable<Route> All =>
    [
        new("GET", "/health", RouteKey.Public, ErrorEnvelope.OpenAi, ReadyAsync) { WorksWhenNotReady = true, IsProbe = true },
        new("GET", "/health/ready", RouteKey.Public, ErrorEnvelope.OpenAi, ReadyAsync) { WorksWhenNotReady = true, IsProbe = true },
        new("GET", "/health/live", RouteKey.Public, ErrorEnvelope.OpenAi, LiveAsync) { WorksWhenNotReady = true, IsProbe = true },
        new("GET", "/version", RouteKey.User, ErrorEnvelope.OpenAi, VersionAsync) { WorksWhenNotReady = true },
        new("GET", "/metrics", RouteKey.User, ErrorEnvelope.OpenAi, MetricsAsync) { WorksWhenNotReady = true, IsProbe = true },
    ];

    private static Task MetricsAsync(RequestContext context) =>
        context.WriteAsync(200, PrometheusText.ContentType, MetricsPage.Write(context.Models.All, context.Models.Encoders, context.Metrics));

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
    public static ApiException Unavailable(ReadinessState state) => state switch
    {
        ReadinessState.Draining => ApiException.Draining(),
        ReadinessState.Loading => new(503, ErrorCodes.Loading, "the server is loading its models: try again soon", retryAfter: TimeSpan.FromSeconds(2)),
        _ => new(503, ErrorCodes.EngineFailed, "an engine of this server has ended: ask another server until this one is restarted", retryAfter: TimeSpan.FromSeconds(10)),
    };

    private static void WriteStatus(System.Text.Json.Utf8JsonWriter writer, string status)
    {
        writer.WriteStartObject();
        writer.WriteString("status", status);
        writer.WriteEndObject();
    }
}
