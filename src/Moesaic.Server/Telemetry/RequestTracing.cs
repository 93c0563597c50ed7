using System.Diagnostics;
using Microsoft.AspNetCore.Http;
using OpenTelemetry;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Moesaic.Server.Telemetry;

/// <summary>One span a request; exported by OTLP when the environment names an endpoint. No prompt or answer is part of it.</summary>
internal static class RequestTracing
{
    private const string SourceName = "Moesaic.Server";
    private static readonly string[] EndpointVariables = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"];
    private static readonly ActivitySource Source = new(SourceName);

    /// <summary>Starts the exporter as the <c>OTEL_*</c> variables say; null when they name no endpoint.</summary>
    public static TracerProvider? StartExport()
    {
        bool isOff = string.Equals(Environment.GetEnvironmentVariable("OTEL_SDK_DISABLED"), "true", StringComparison.OrdinalIgnoreCase);
        return isOff || !EndpointVariables.Any(static v => !string.IsNullOrWhiteSpace(Environment.GetEnvironmentVariable(v))) ? null
            : Sdk.CreateTracerProviderBuilder()
                .ConfigureResource(static resource => resource.AddService("moesaic", serviceVersion: typeof(RequestTracing).Assembly.GetName().Version!.ToString(3)))
                .AddSource(SourceName)
                .AddOtlpExporter()
                .Build();
    }

    /// <summary>Begins a request's span, within the caller's trace where it names one; null when nobody listens.</summary>
    public static Activity? Begin(HttpRequest request, string requestId)
    {
        if (!Source.HasListeners())
        {
            return null;
        }

        _ = ActivityContext.TryParse(request.Headers.TraceParent, request.Headers.TraceState, isRemote: true, out ActivityContext parent);

        // The web server's own activity, which nobody records, would be the parent of a request that names none, and none of these would be exported.
        Activity.Current = null;
        Activity? activity = Source.StartActivity(request.Method, ActivityKind.Server, parent);
        activity?.SetTag("http.request.method", request.Method);
        activity?.SetTag("moesaic.request_id", requestId);
        return activity;
    }

    /// <summary>Says which route answers.</summary>
    public static void SetRoute(Activity? activity, string method, string path)
    {
        if (activity is not null)
        {
            activity.DisplayName = $"{method} {path}";
            activity.SetTag("http.route", path);
        }
    }

    public static void End(Activity? activity, int status)
    {
        activity?.SetTag("http.response.status_code", status);
        activity?.SetStatus(status >= 500 ? ActivityStatusCode.Error : ActivityStatusCode.Unset);
    }
}
