using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using Moesaic.Engine;
using Moesaic.Server.Catalog;
using Moesaic.Server.Errors;
using Moesaic.Server.Metrics;
using Moesaic.Server.Routing;
using Moesaic.TestSupport;

namespace Moesaic.Server.Tests.Hosting;

/// <summary>Health, readiness, draining, metrics, request ids, logs, TLS.</summary>
internal sealed class OperationTests
{
    [Test]
    public async Task A_host_gets_ready_and_says_what_it_is()
    {
        await using TestHost test = await TestHost.StartAsync();
        Assert.Multiple(async () =>
        {
            Assert.That(await test.Client.GetStringAsync("/health"), Is.EqualTo("{\"status\":\"ready\"}"));
            Assert.That(await test.Client.GetStringAsync("/health/ready"), Is.EqualTo("{\"status\":\"ready\"}"));
            Assert.That(await test.Client.GetStringAsync("/health/live"), Is.EqualTo("{\"status\":\"live\"}"));
            Assert.That(await test.Client.GetStringAsync("/version"), Does.Match("""^\{"version":"\d+\.\d+\.\d+"\}$"""));
            Assert.That(test.Host.ModelNames, Is.EqualTo(new[] { TestHost.Model }));
        });
    }

    [Test]
    public async Task While_models_load_the_host_lives_but_is_not_ready()
    {
        using ManualResetEventSlim release = new();
        Route user = new("GET", "/test/user", RouteKey.User, ErrorEnvelope.OpenAi, static c => c.WriteJsonAsync(200, static w => w.WriteNullValue()));
        ServerOptions options = TestHost.Options with { Engine = TestHost.Options.Engine with { Progress = _ => release.Wait() }, LogWriter = TextWriter.Null };
        await using ServiceHost host = await ServiceHost.StartAsync(options, [.. Routes.All, user], CancellationToken.None);
        using HttpClient client = new() { BaseAddress = host.Address };
        try
        {
            using HttpResponseMessage ready = await client.GetAsync("/health/ready");
            using HttpResponseMessage live = await client.GetAsync("/health/live");
            using HttpResponseMessage refused = await client.GetAsync("/test/user");
            Assert.Multiple(async () =>
            {
                Assert.That(ready.StatusCode, Is.EqualTo(HttpStatusCode.ServiceUnavailable));
                Assert.That(live.StatusCode, Is.EqualTo(HttpStatusCode.OK));
                Assert.That(refused.StatusCode, Is.EqualTo(HttpStatusCode.ServiceUnavailable));
                Assert.That(refused.Headers.RetryAfter, Is.Not.Null);
                Assert.That(await refused.Content.ReadAsStringAsync(), Does.Contain("\"code\":\"loading\""));
            });
        }
        finally
        {
            release.Set();
        }
    }

    [Test]
    public async Task A_model_that_cannot_be_loaded_fails_the_host()
    {
        ServerOptions options = TestHost.Options with { Models = [new ModelSource(null, "/nowhere/at-all")], LogWriter = TextWriter.Null };
        await using ServiceHost host = await ServiceHost.StartAsync(options);
        Assert.That(async () => await host.Ready, Throws.Exception.With.Message.Contains("/nowhere/at-all"));
    }

    [Test]
    public async Task Two_models_need_two_names()
    {
        ServerOptions options = TestHost.Options with { Models = [new ModelSource("a", null), new ModelSource("a", null)], LogWriter = TextWriter.Null };
        await using ServiceHost host = await ServiceHost.StartAsync(options);
        Assert.That(async () => await host.Ready, Throws.TypeOf<ServerConfigurationException>());
    }

    [Test]
    public async Task Draining_refuses_new_requests_and_finishes_running_ones()
    {
        TaskCompletionSource running = new();
        Route stream = new("GET", "/test/stream", RouteKey.User, ErrorEnvelope.OpenAi, async c =>
        {
            ServedModel model = c.Models.Get(null);
            Generation generation = model.Engine.Submit(new GenerationRequest { Prompt = new[] { 1, 2, 3 }, Sampling = Endless(100) });
            int count = 0;
            await foreach (GenerationEvent step in generation.Samples[0].WithCancellation(c.Aborted))
            {
                count += step.Token is null ? 0 : 1;
                running.TrySetResult();
            }

            await c.WriteJsonAsync(200, w => w.WriteNumberValue(count));
        });
        await using TestHost test = await TestHost.StartAsync(null, stream);
        Task<string> answer = test.Client.GetStringAsync("/test/stream");
        await running.Task;
        Task stop = test.Host.StopAsync(TimeSpan.FromSeconds(60));
        Assert.That(test.Host.Services.Models.State, Is.EqualTo(ReadinessState.Draining));
        Assert.That(await answer, Is.EqualTo("100"));
        await stop;
        Assert.That(async () => await test.Client.GetStringAsync("/health"), Throws.InstanceOf<HttpRequestException>());
    }

    [Test]
    public async Task While_it_drains_health_says_so()
    {
        await using TestHost test = await TestHost.StartAsync();
        test.Host.Services.Models.StopAdmitting();
        using HttpResponseMessage ready = await test.Client.GetAsync("/health/ready");
        using HttpResponseMessage live = await test.Client.GetAsync("/health/live");
        Assert.Multiple(async () =>
        {
            Assert.That(ready.StatusCode, Is.EqualTo(HttpStatusCode.ServiceUnavailable));
            Assert.That(ready.Headers.RetryAfter, Is.Not.Null);
            Assert.That(ready.Headers.ConnectionClose, Is.True);
            Assert.That(await ready.Content.ReadAsStringAsync(), Does.Contain("\"code\":\"draining\""));
            Assert.That(live.StatusCode, Is.EqualTo(HttpStatusCode.OK));
        });
    }

    [Test]
    public async Task Metrics_count_what_happened()
    {
        Route route = new("GET", "/test/generate", RouteKey.User, ErrorEnvelope.OpenAi, static async c =>
        {
            ServedModel model = c.Models.Get(null);
            RequestMeter meter = c.Metrics.Begin(model);
            Generation generation = model.Engine.Submit(new GenerationRequest { Prompt = new[] { 1, 2, 3 }, Sampling = Endless(5) });
            await foreach (GenerationEvent step in generation.Samples[0].WithCancellation(c.Aborted))
            {
                if (step.Token is not null)
                {
                    meter.Token();
                }
            }

            meter.Finish(FinishLabels.Length, TimeSpan.Zero);
            await c.WriteJsonAsync(200, static w => w.WriteNullValue());
        });
        await using TestHost test = await TestHost.StartAsync(null, route);
        await test.Client.GetStringAsync("/test/generate");
        using HttpResponseMessage response = await test.Client.GetAsync("/metrics");
        string text = await response.Content.ReadAsStringAsync();
        Assert.That(response.Content.Headers.ContentType!.ToString(), Is.EqualTo("text/plain; version=0.0.4; charset=utf-8"));
        Assert.Multiple(() =>
        {
            Assert.That(Sample(text, "moesaic:generation_tokens_total{model_name=\"ling\"}"), Is.EqualTo(5));
            Assert.That(Sample(text, "moesaic:prompt_tokens_total{model_name=\"ling\"}"), Is.EqualTo(3));
            Assert.That(Sample(text, "moesaic:request_success_total{model_name=\"ling\",finished_reason=\"length\"}"), Is.EqualTo(1));
            Assert.That(Sample(text, "moesaic:time_to_first_token_seconds_count{model_name=\"ling\"}"), Is.EqualTo(1));
            Assert.That(Sample(text, "moesaic:inter_token_latency_seconds_count{model_name=\"ling\"}"), Is.EqualTo(4));
            Assert.That(Sample(text, "moesaic:inter_token_latency_seconds_bucket{model_name=\"ling\",le=\"+Inf\"}"), Is.EqualTo(4));
            Assert.That(Sample(text, "moesaic:num_requests_running{model_name=\"ling\"}"), Is.Zero);
            Assert.That(Sample(text, "moesaic:http_responses_total{status=\"200\"}"), Is.EqualTo(1));
        });
    }

    [Test]
    public void Buckets_add_up_and_labels_are_escaped()
    {
        Histogram histogram = new([1, 2]);
        foreach (double value in new[] { 0.5, 1, 1.5, 7 })
        {
            histogram.Observe(value);
        }

        PrometheusText text = new();
        text.Histogram("t", histogram, "a\"b\\c\nd");
        const string model = """model_name="a\"b\\c\nd" """;
        Assert.That(System.Text.Encoding.UTF8.GetString(text.ToUtf8()), Is.EqualTo(
            $"t_bucket{{{model.Trim()},le=\"1\"}} 2\nt_bucket{{{model.Trim()},le=\"2\"}} 3\nt_bucket{{{model.Trim()},le=\"+Inf\"}} 4\nt_sum{{{model.Trim()}}} 10\nt_count{{{model.Trim()}}} 4\n"));
    }

    [TestCase(LogLevel.Information, false)]
    [TestCase(LogLevel.Debug, true)]
    public async Task Probes_are_logged_for_debugging_only(LogLevel level, bool isLogged)
    {
        await using TestHost test = await TestHost.StartAsync(TestHost.Options with { LogLevel = level });
        foreach (string path in new[] { "/health", "/health/live", "/health/ready", "/metrics", "/version" })
        {
            (await test.Client.GetAsync(path)).Dispose();
        }

        // The last line comes after its response.
        Assert.That(() => test.Log, Does.Contain("GET /version").After(30_000, 5));
        Assert.That(test.Log.Contains("GET /health", StringComparison.Ordinal), Is.EqualTo(isLogged));
        Assert.That(test.Log.Contains("GET /metrics", StringComparison.Ordinal), Is.EqualTo(isLogged));
    }

    [TestCase("abc-123", true)]
    [TestCase("with blank", false)]
    [TestCase("caf\u00e9", false)]
    public async Task Request_ids_are_echoed_if_they_can_be(string id, bool isKept)
    {
        await using TestHost test = await TestHost.StartAsync();
        RawResponse response = await test.SendRawAsync($"GET /version HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: {id}\r\n\r\n");
        Assert.That(response.Head, isKept ? Does.Contain($"X-Request-Id: {id}\r\n") : Does.Match("X-Request-Id: req_[0-9a-f]{24}\r\n"));
        Assert.That(test.Log.Contains(id, StringComparison.Ordinal), Is.EqualTo(isKept));
    }

    [TestCase(false)]
    [TestCase(true)]
    public async Task Bodies_are_logged_only_when_asked(bool asked)
    {
        Route echo = new("POST", "/test/echo", RouteKey.User, ErrorEnvelope.OpenAi, static async c => await c.WriteAsync(200, "application/json", await c.ReadBodyAsync()));
        await using TestHost test = await TestHost.StartAsync(TestHost.Options with { LogPrompts = asked }, echo);
        (await test.PostAsync("/test/echo", "{\"prompt\":\"canary\\nx\"}")).Dispose();
        Assert.That(test.Log.Contains("canary", StringComparison.Ordinal), Is.EqualTo(asked));
        Assert.That(test.Log, Does.Contain("POST /test/echo -> 200"));
    }

    [Test]
    public async Task A_certificate_makes_it_speak_tls()
    {
        using TemporaryFolder folder = new();
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using X509Certificate2 certificate = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256)
            .CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        string certificateFile = folder.Combine("certificate.pem");
        string keyFile = folder.Combine("key.pem");
        await File.WriteAllTextAsync(certificateFile, certificate.ExportCertificatePem());
        await File.WriteAllTextAsync(keyFile, key.ExportPkcs8PrivateKeyPem());
        await using TestHost test = await TestHost.StartAsync(TestHost.Options with { Tls = new TlsFiles(certificateFile, keyFile) });
        Assert.That(test.Host.Address.Scheme, Is.EqualTo("https"));
        using HttpClientHandler handler = new()
        {
            ServerCertificateCustomValidationCallback = (_, presented, _, _) => presented!.Thumbprint == certificate.Thumbprint,
        };
        using HttpClient client = new(handler) { BaseAddress = test.Host.Address };
        Assert.That(await client.GetStringAsync("/health"), Does.Contain("ready"));
        Assert.That(
            async () => await ServiceHost.StartAsync(TestHost.Options with { Tls = new TlsFiles(keyFile, null), LogWriter = TextWriter.Null }),
            Throws.TypeOf<ServerConfigurationException>().With.Message.Contains(keyFile));
    }

    [Test]
    public async Task A_port_in_use_is_an_error_at_once()
    {
        await using TestHost test = await TestHost.StartAsync();
        Assert.That(
            async () => await ServiceHost.StartAsync(TestHost.Options with { Port = test.Host.Address.Port, LogWriter = TextWriter.Null }),
            Throws.InstanceOf<IOException>());
    }

    private static SamplingParameters Endless(int tokens) => new() { Temperature = 0, MaxTokens = tokens, IgnoreEndIds = true };

    private static double Sample(string text, string name) =>
        double.Parse(text.Split('\n').Single(l => l.StartsWith(name + " ", StringComparison.Ordinal))[(name.Length + 1)..], CultureInfo.InvariantCulture);
}
