using System.Collections.Concurrent;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;

namespace Moesaic.Server.Tests.Telemetry;

/// <summary>Spans reach a collector by OTLP over HTTP. It changes the process's environment, so nothing runs beside it.</summary>
[NonParallelizable]
internal sealed class TraceExportTests
{
    private const string Endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT";
    private const string Protocol = "OTEL_EXPORTER_OTLP_PROTOCOL";
    private const string TraceId = "0af7651916cd43dd8448eb211c80319c";
    private const string ParentId = "b7ad6b7169203331";

    [Test]
    public async Task A_request_becomes_a_span_of_its_callers_trace_without_its_text()
    {
        ConcurrentQueue<(string Path, string? Type, byte[] Body)> received = [];
        await using WebApplication collector = await StartCollectorAsync(received);
        string address = collector.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        Environment.SetEnvironmentVariable(Endpoint, address);
        Environment.SetEnvironmentVariable(Protocol, "http/protobuf");
        try
        {
            // Disposing the host sends what is left.
            await using TestHost test = await TestHost.StartAsync();
            using HttpRequestMessage request = new(HttpMethod.Post, "/v1/completions")
            {
                Content = new StringContent("""{"prompt":"canary secret","max_tokens":2}""", Encoding.UTF8, "application/json"),
            };
            request.Headers.Add("traceparent", $"00-{TraceId}-{ParentId}-01");
            request.Headers.Add("X-Request-Id", "asked-1");
            using HttpResponseMessage response = await test.Client.SendAsync(request);
            Assert.That((int)response.StatusCode, Is.EqualTo(200));
            using HttpResponseMessage refused = await test.PostAsync("/v1/completions", "{}");
        }
        finally
        {
            Environment.SetEnvironmentVariable(Endpoint, null);
            Environment.SetEnvironmentVariable(Protocol, null);
        }

        Assert.That(received, Is.Not.Empty);
        Assert.That(received.All(static r => r is { Path: "/v1/traces", Type: "application/x-protobuf" }));
        Assert.That(received.All(static r => !Encoding.UTF8.GetString(r.Body).Contains("canary", StringComparison.Ordinal)), "no prompt leaves the host");

        // ExportTraceServiceRequest: resource_spans 1 { resource 1 { attributes 1 }, scope_spans 2 { spans 2 } }.
        ProtobufFields[] resources = [.. received.SelectMany(static r => new ProtobufFields(r.Body).Messages(1))];
        Assert.That(Attributes(resources[0].Messages(1).Single(), 1)["service.name"], Is.EqualTo("moesaic"));
        ProtobufFields[] spans = [.. resources.SelectMany(static r => r.Messages(2)).SelectMany(static s => s.Messages(2))];

        // Span: trace_id 1, parent_span_id 4, name 5, kind 6, start 7, end 8, attributes 9.
        ProtobufFields span = spans.Single(static s => s.Hex(1) == TraceId);
        Dictionary<string, string> attributes = Attributes(span, 9);
        Assert.Multiple(() =>
        {
            Assert.That(span.Hex(4), Is.EqualTo(ParentId));
            Assert.That(span.Text(5), Is.EqualTo("POST /v1/completions"));
            Assert.That(span.Number(6), Is.EqualTo(2), "a server's span");
            Assert.That(span.Number(8), Is.GreaterThan(span.Number(7)));
            Assert.That(attributes["http.request.method"], Is.EqualTo("POST"));
            Assert.That(attributes["http.route"], Is.EqualTo("/v1/completions"));
            Assert.That(attributes["http.response.status_code"], Is.EqualTo("200"));
            Assert.That(attributes["moesaic.request_id"], Is.EqualTo("asked-1"));
        });
        Assert.That(spans.Select(static s => Attributes(s, 9)["http.response.status_code"]), Does.Contain("400"), "refusals are spans too");
    }

    // KeyValue: key 1, value 2 { string_value 1 or int_value 3 }.
    private static Dictionary<string, string> Attributes(ProtobufFields message, int number) => message.Messages(number).ToDictionary(
        static pair => pair.Text(1),
        static pair => pair.Messages(2).Single() is var value && value.All(1).Any() ? value.Text(1) : value.Number(3).ToString(System.Globalization.CultureInfo.InvariantCulture));

    private static async Task<WebApplication> StartCollectorAsync(ConcurrentQueue<(string, string?, byte[])> received)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        WebApplication collector = builder.Build();
        collector.Run(async http =>
        {
            using MemoryStream body = new();
            await http.Request.Body.CopyToAsync(body);
            received.Enqueue((http.Request.Path.Value ?? "", http.Request.ContentType, body.ToArray()));
            http.Response.ContentType = "application/x-protobuf";
        });
        await collector.StartAsync();
        return collector;
    }
}
