using System.Globalization;
using System.IO.Compression;
using System.Net;
using System.Text;
using Moesaic.Engine;
using Moesaic.Server.Routing;

namespace Moesaic.Server.Tests.Hosting;

/// <summary>
/// Requests that mean harm, on every route that takes a body: each is refused with the right status and envelope, while one
/// stream after the other runs beside them and says what it says alone.
/// </summary>
internal sealed class HostileRequestTests : IDisposable
{
    private const int CanaryTokens = 60;

    private static readonly string[] s_routes = [.. Routes.All.Where(static r => r.HasBody).Select(static r => r.Path)];

    private readonly CancellationTokenSource _stop = new();
    private TestHost _test = null!;
    private string _alone = "";
    private Task<int> _canary = null!;

    private static string Canary => StreamedText.Body("define river", 7, CanaryTokens, stream: true);

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        _test = await TestHost.StartAsync(TestHost.Options with { MaxBodyBytes = 1 << 20 });
        _alone = await StreamedText.AskAsync(_test.Client, Canary);
        _canary = RunCanaryAsync();
    }

    [OneTimeTearDown]
    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        try
        {
            Assert.That(await _canary, Is.GreaterThan(0), "no canary stream ran to its end");
            EngineStatistics engine = _test.Host.Services.Models.All[0].Engine.Statistics();
            Assert.That((engine.Running, engine.Waiting, engine.BlocksUsed), Is.EqualTo((0, 0, 0)));
            Assert.That(_test.Host.Services.Models.All[0].Engine.CheckIntegrity(), Is.Null);
        }
        finally
        {
            await _test.DisposeAsync();
        }
    }

    public void Dispose() => _stop.Dispose();

    private static IEnumerable<TestCaseData> Bodies()
    {
        foreach (string route in s_routes)
        {
            yield return Case(route, "nothing", "");
            yield return Case(route, "blanks", "  \n ");
            yield return Case(route, "open", "{");
            yield return Case(route, "cut off", "{\"model\": \"ling\", \"messages\": [{\"role\": \"us");
            yield return Case(route, "more after the end", "{} {}");
            yield return Case(route, "null", "null");
            yield return Case(route, "array", "[]");
            yield return Case(route, "text", "\"x\"");
            yield return Case(route, "number", "1e999999999");
            yield return Case(route, "comment", "{/* x */}");
            yield return Case(route, "single quotes", "{'model': 'ling'}");
            yield return Case(route, "byte order mark of UTF-16", "\u00ff\u00fe{\0}\0");
            yield return Case(route, "invalid UTF-8", "{\"model\": \"ling\", \"x\": \"\u00c3\u0028\u00ff\"}");
            yield return Case(route, "overlong UTF-8", "{\"model\": \"\u00c0\u00af\"}");
            yield return Case(route, "NUL bytes", "{\"model\": \"li\0ng\"}");
            yield return Case(route, "only NUL bytes", new string('\0', 1000));
            yield return Case(route, "control character", "{\"model\": \"li\nng\"}");
            yield return Case(route, "lone surrogate", "{\"model\": \"\\ud800\"}");
            yield return Case(route, "lone low surrogate as name", "{\"\\udc00\": 1, \"model\": \"ling\"}");
            yield return Case(route, "deep arrays", new string('[', 100_000));
            yield return Case(route, "deep objects", string.Concat(Enumerable.Repeat("{\"a\":", 50_000)));
            yield return Case(route, "deep in an unknown field", $"{{\"x\": {new string('[', 5000)}{new string(']', 5000)}}}");
            yield return Case(route, "twice the same name", "{\"model\": \"ling\", \"model\": \"ling\"}");
            yield return Case(route, "model is a number", "{\"model\": 1}");
        }

        foreach ((string name, string value) in new[]
        {
            ("NaN", "\"temperature\": NaN"), ("Infinity", "\"temperature\": Infinity"), ("text for a number", "\"temperature\": \"NaN\""),
            ("huge number", "\"temperature\": 1e999"), ("negative", "\"temperature\": -1"), ("huge count", "\"max_tokens\": 99999999999999999999"),
            ("count with a fraction", "\"max_tokens\": 1.5"), ("count below zero", "\"max_tokens\": -5"), ("text for a count", "\"max_tokens\": \"5\""),
            ("huge n", "\"n\": 1000000"), ("no n", "\"n\": 0"), ("top_p past one", "\"top_p\": 2"), ("stop is a number", "\"stop\": 5"),
            ("stops without end", $"\"stop\": [{string.Join(',', Enumerable.Repeat("\"a\"", 100_000))}]"),
            ("a long stop", $"\"stop\": \"{new string('a', 500_000)}\""), ("biases", "\"logit_bias\": {\"x\": 1}"), ("bias of no token", "\"logit_bias\": {\"99999999\": 1}"),
            ("biases without end", $"\"logit_bias\": {{{string.Join(',', Enumerable.Range(0, 60_000).Select(static i => $"\"{i}\": 1"))}}}"),
            ("stream is a text", "\"stream\": \"yes\""), ("seed past all numbers", "\"seed\": 1e300"),
        })
        {
            yield return Case("/v1/completions", name, $"{{\"model\": \"ling\", \"prompt\": \"x\", {value}}}");
            yield return Case("/v1/chat/completions", name, $"{{\"model\": \"ling\", \"messages\": [{{\"role\": \"user\", \"content\": \"x\"}}], {value}}}");
        }

        yield return Case("/v1/completions", "ids that are none", "{\"model\": \"ling\", \"prompt\": [1, 2, 99999999]}");
        yield return Case("/v1/completions", "negative ids", "{\"model\": \"ling\", \"prompt\": [-1]}");
        yield return Case("/v1/completions", "past the context", $"{{\"model\": \"ling\", \"prompt\": \"{string.Concat(Enumerable.Repeat("river ", 5000))}\"}}");
        yield return Case("/v1/chat/completions", "no messages", "{\"model\": \"ling\", \"messages\": []}");
        yield return Case("/v1/chat/completions", "messages are a text", "{\"model\": \"ling\", \"messages\": \"x\"}");
        yield return Case("/v1/chat/completions", "a message is null", "{\"model\": \"ling\", \"messages\": [null]}");
        yield return Case("/v1/chat/completions", "an unknown role", "{\"model\": \"ling\", \"messages\": [{\"role\": \"wizard\", \"content\": \"x\"}]}");
        yield return Case("/v1/chat/completions", "half a surrogate pair in the content", "{\"model\": \"ling\", \"messages\": [{\"role\": \"user\", \"content\": \"\\ud83d\"}]}");
    }

    [TestCaseSource(nameof(Bodies))]
    public async Task Bad_bodies_are_bad_requests(string route, byte[] body)
    {
        RawResponse response = await PostAsync(route, body);
        Assert.That(response.Status, Is.EqualTo(400), response.Body);
        Assert.That(response.Code(), Is.AnyOf("invalid_json", "invalid_value", "missing_value", "not_supported", "context_length_exceeded", "bad_request"));
    }

    [TestCase("/v1/completions", "{\"model\": \"other\", \"prompt\": \"x\"}")]
    [TestCase("/v1/chat/completions", "{\"model\": \"../../etc/passwd\", \"messages\": [{\"role\": \"user\", \"content\": \"x\"}]}")]
    [TestCase("/tokenize", "{\"model\": \"LING\", \"prompt\": \"x\"}")]
    public async Task Unknown_models_are_not_found(string route, string body)
    {
        RawResponse response = await PostAsync(route, Encoding.UTF8.GetBytes(body));
        Assert.That((response.Status, response.Code()), Is.EqualTo((404, "model_not_found")).Or.EqualTo((400, "invalid_value")));
    }

    [TestCaseSource(nameof(s_routes))]
    public async Task Oversized_and_compressed_bodies_are_refused_unread(string route)
    {
        RawResponse large = await PostAsync(route, Encoding.UTF8.GetBytes($"{{\"model\": \"{new string('x', 2 << 20)}\"}}"));
        using MemoryStream compressed = new();
        await using (GZipStream gzip = new(compressed, CompressionLevel.Fastest, leaveOpen: true))
        {
            await gzip.WriteAsync(new byte[1 << 20]);
        }

        RawResponse bomb = await PostAsync(route, compressed.ToArray(), "Content-Encoding: gzip\r\n");
        Assert.That((large.Status, large.Code()), Is.EqualTo((413, "body_too_large")));
        Assert.That((bomb.Status, bomb.Code()), Is.EqualTo((415, "unsupported_media_type")));
    }

    [Test]
    public async Task Clients_that_vanish_in_the_middle_leave_nothing_behind()
    {
        byte[] body = Encoding.UTF8.GetBytes(StreamedText.Body("define sea", 3, 200, stream: true));
        byte[] request = [.. Head("/v1/completions", body.Length, ""), .. body];
        for (int i = 0; i < 20; i++)
        {
            using RawConnection connection = await RawConnection.OpenAsync(new IPEndPoint(IPAddress.Loopback, _test.Host.Address.Port));
            await connection.SendAsync(i % 2 == 0 ? request : request[..^(i * 3)]);
            connection.Reset();
        }

        // The canary alone is left: one sequence at most.
        using CancellationTokenSource patience = new(TimeSpan.FromSeconds(30));
        while (_test.Host.Services.Models.All[0].Engine.Statistics() is { } engine && engine.Running + engine.Waiting > 1)
        {
            await Task.Delay(20, patience.Token);
        }
    }

    private Task<RawResponse> PostAsync(string route, byte[] body, string headers = "") => _test.SendRawAsync([.. Head(route, body.Length, headers), .. body]);

    private static byte[] Head(string route, int length, string headers) => Encoding.ASCII.GetBytes(string.Create(
        CultureInfo.InvariantCulture, $"POST {route} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{headers}Content-Length: {length}\r\n\r\n"));

    private async Task<int> RunCanaryAsync()
    {
        int count = 0;
        while (!_stop.IsCancellationRequested)
        {
            string answer = await StreamedText.AskAsync(_test.Client, Canary);
            Assert.That(answer, Is.EqualTo(_alone), "a running stream was disturbed");
            count++;
        }

        return count;
    }

    // Each character is a byte.
    private static TestCaseData Case(string route, string name, string body) => new TestCaseData(route, Encoding.Latin1.GetBytes(body)).SetArgDisplayNames(route, name);
}
