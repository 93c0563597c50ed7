using System.Text;
using Moesaic.Server.Errors;
using Moesaic.Server.Routing;
using Moesaic.Server.Streaming;

namespace Moesaic.Server.Tests.Hosting;

/// <summary>What the web server refuses before or while any route runs, byte by byte: right status, our envelope, and the host lives on.</summary>
internal sealed class FrameworkRefusalTests
{
    private const string Host = "Host: localhost\r\n";
    private const string Json = "Content-Type: application/json\r\n";

    private static readonly Route s_echo = new("POST", "/test/echo", RouteKey.User, ErrorEnvelope.OpenAi, static async c => await c.WriteAsync(200, "application/json", await c.ReadBodyAsync()));

    private static readonly Route s_hold = new("POST", "/test/hold", RouteKey.User, ErrorEnvelope.OpenAi, static c => Task.Delay(Timeout.Infinite, c.Aborted));
    private static readonly Route s_holdMessage = s_hold with { Path = "/v1/messages/hold", Envelope = ErrorEnvelope.Anthropic };

    // An event waits in the host's buffers, as before a stream's first flush.
    private static readonly Route s_stream = s_hold with
    {
        Path = "/test/stream",
        Handler = static async c =>
        {
            using SseWriter sse = new(c.Http.Response);
            sse.Data("first"u8);
            await Task.Delay(Timeout.Infinite, c.Aborted);
        },
    };

    private TestHost _test = null!;

    [OneTimeSetUp]
    public async Task StartAsync() => _test = await TestHost.StartAsync(
        TestHost.Options with { MaxBodyBytes = 1000, HeadersTimeout = TimeSpan.FromSeconds(2), SlowBodyGrace = TimeSpan.FromSeconds(1.5) }, s_echo, s_hold, s_holdMessage, s_stream);

    [OneTimeTearDown]
    public async Task StopAsync() => await _test.DisposeAsync();

    private static IEnumerable<TestCaseData> Requests()
    {
        yield return Case("garbage", "GARBAGE\r\n\r\n", 400);
        yield return Case("TLS on a plain port", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400);
        yield return Case("another version", $"GET /health HTTP/9.9\r\n{Host}\r\n", 505);
        yield return Case("no host", "GET /health HTTP/1.1\r\n\r\n", 400);
        yield return Case("two hosts", $"GET /health HTTP/1.1\r\n{Host}Host: b\r\n\r\n", 400);
        yield return Case("a host with blanks", "GET /health HTTP/1.1\r\nHost: a b\r\n\r\n", 400);
        yield return Case("a header without a colon", $"GET /health HTTP/1.1\r\n{Host}nonsense\r\n\r\n", 400);
        yield return Case("a blank before the colon", $"GET /health HTTP/1.1\r\n{Host}X-A : b\r\n\r\n", 400);
        yield return Case("a folded header", $"GET /health HTTP/1.1\r\n{Host}X-A: b\r\n c\r\n\r\n", 400);
        yield return Case("NUL in a header", $"GET /health HTTP/1.1\r\n{Host}X-A: b\0c\r\n\r\n", 400);
        yield return Case("NUL in the path", $"GET /hea\0lth HTTP/1.1\r\n{Host}\r\n", 400);
        yield return Case("encoded NUL in the path", $"GET /hea%00lth HTTP/1.1\r\n{Host}\r\n", 400);
        yield return Case("a long request line", $"GET /{new string('a', 9000)} HTTP/1.1\r\n{Host}\r\n", 414);
        yield return Case("large headers", $"GET /health HTTP/1.1\r\n{Host}X-A: {new string('a', 40_000)}\r\n\r\n", 431);
        yield return Case("many headers", $"GET /health HTTP/1.1\r\n{Host}{string.Concat(Enumerable.Range(0, 200).Select(i => $"X-{i}: a\r\n"))}\r\n", 431);
        yield return Case("a negative length", $"POST /test/echo HTTP/1.1\r\n{Host}{Json}Content-Length: -1\r\n\r\n", 400);
        yield return Case("a length that is no number", $"POST /test/echo HTTP/1.1\r\n{Host}{Json}Content-Length: two\r\n\r\n", 400);
        yield return Case("a length past all numbers", $"POST /test/echo HTTP/1.1\r\n{Host}{Json}Content-Length: 99999999999999999999\r\n\r\n", 400);
        yield return Case("two lengths", $"POST /test/echo HTTP/1.1\r\n{Host}{Json}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{{}}", 400);
        yield return Case("length and chunks", $"POST /test/echo HTTP/1.1\r\n{Host}{Json}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n", 400);
        yield return Case("an unknown transfer encoding", $"POST /test/echo HTTP/1.1\r\n{Host}{Json}Transfer-Encoding: gzip\r\n\r\n", 400);
        yield return Case("chunks of compressed data", $"POST /test/echo HTTP/1.1\r\n{Host}{Json}Transfer-Encoding: gzip, chunked\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n", 400);
        yield return Case("chunks twice", $"POST /test/echo HTTP/1.1\r\n{Host}{Json}Transfer-Encoding: chunked, chunked\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n", 400);
        yield return Case("chunks of HTTP/1.0", $"POST /test/echo HTTP/1.0\r\n{Host}{Json}Transfer-Encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n", 400);
        yield return Case("length and chunks to nowhere", $"POST /nowhere HTTP/1.1\r\n{Host}{Json}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n", 400);
        yield return Case("a chunk of no size", $"POST /test/echo HTTP/1.1\r\n{Host}{Json}Transfer-Encoding: chunked\r\n\r\nxyz\r\n{{}}\r\n0\r\n\r\n", 400);
        yield return Case("a chunk past all numbers", $"POST /test/echo HTTP/1.1\r\n{Host}{Json}Transfer-Encoding: chunked\r\n\r\nffffffffffff\r\n", 400);
        yield return Case("a body that is announced too large", $"POST /test/echo HTTP/1.1\r\n{Host}{Json}Content-Length: 1001\r\n\r\n", 413);
        yield return Case("a body that gets too large", $"POST /test/echo HTTP/1.1\r\n{Host}{Json}Transfer-Encoding: chunked\r\n\r\n7d0\r\n{new string(' ', 2000)}\r\n0\r\n\r\n", 413);
        yield return Case("no length on a POST", $"POST /test/echo HTTP/1.0\r\n{Host}{Json}\r\n{{}}", 400, 411);
    }

    [TestCaseSource(nameof(Requests))]
    public async Task Malformed_requests_get_status_and_envelope(string request, int[] statuses)
    {
        RawResponse response = await _test.SendRawAsync(request);
        Assert.That(statuses, Contains.Item(response.Status), response.Head);
        Assert.That(response.Code(), Is.Not.Empty);
        Assert.That(response.Body, Does.Not.Contain("   at "));
        await AssertAliveAsync();
    }

    [TestCase("Content-Length: 100\r\n\r\n{", 400, "bad_request")]
    [TestCase("Content-Length: 100\r\n\r\n", 400, "bad_request")]
    [TestCase("Transfer-Encoding: chunked\r\n\r\n5\r\n{}", 400, "bad_request")]
    [TestCase("Content-Length: 2000\r\n\r\n{", 413, "body_too_large")]
    public async Task A_body_that_ends_early_is_a_bad_request(string rest, int status, string code)
    {
        RawResponse response = await _test.SendRawAsync($"POST /test/echo HTTP/1.1\r\n{Host}{Json}{rest}", halfClose: true);
        Assert.That((response.Status, response.Code()), Is.EqualTo((status, code)));
        await AssertAliveAsync();
    }

    [TestCase("GET /hea")]
    [TestCase("GET /health HTTP/1.1\r\nHost: local")]
    public async Task Headers_that_end_early_are_a_bad_request(string start)
    {
        RawResponse response = await _test.SendRawAsync(start, halfClose: true);
        Assert.That((response.Status, response.Code()), Is.EqualTo((400, "bad_request")));
    }

    [Test]
    public async Task A_client_that_only_listens_on_still_gets_its_answer()
    {
        RawResponse get = await _test.SendRawAsync($"GET /health HTTP/1.1\r\n{Host}\r\n", halfClose: true);
        RawResponse post = await _test.SendRawAsync($"POST /test/echo HTTP/1.1\r\n{Host}{Json}Content-Length: 2\r\n\r\n{{}}", halfClose: true);
        Assert.That((get.Status, post.Status, post.Body), Is.EqualTo((200, 200, "{}")));
    }

    [TestCase("/test/hold", false)]
    [TestCase("/v1/messages/hold", true)]
    public async Task A_client_that_hangs_up_while_it_listens_learns_that_it_has_cancelled(string path, bool isAnthropic)
    {
        RawResponse response = await _test.SendRawAsync($"POST {path} HTTP/1.1\r\n{Host}{Json}Content-Length: 2\r\n\r\n{{}}", halfClose: true);
        Assert.That((response.Status, response.Code()), Is.EqualTo((400, "bad_request")));
        Assert.That(response.Body, Does.Contain("cancels the request"));
        Assert.That(response.Body.StartsWith("{\"type\":\"error\"", StringComparison.Ordinal), Is.EqualTo(isAnthropic));
        await AssertAliveAsync();
    }

    [Test]
    public async Task A_stream_that_was_begun_for_it_has_no_end()
    {
        RawResponse response = await _test.SendRawAsync($"POST /test/stream HTTP/1.1\r\n{Host}{Json}Content-Length: 2\r\n\r\n{{}}", halfClose: true);
        Assert.That(response.Body, Does.Not.EndWith("0\r\n\r\n"));
        Assert.That(response.Status, Is.AnyOf(0, 200));
        await AssertAliveAsync();
    }

    [TestCase("GET /health HTTP/1.1\r\nHost: loc", 408)]
    [TestCase("POST /test/echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{", 408)]
    public async Task Slow_senders_are_told_so(string start, int status)
    {
        RawResponse response = await _test.SendRawAsync(start);
        Assert.That((response.Status, response.Code()), Is.EqualTo((status, "request_timeout")));
        await AssertAliveAsync();
    }

    [Test]
    public async Task Requests_in_a_row_on_one_connection_all_get_answers()
    {
        string good = $"GET /health HTTP/1.1\r\n{Host}\r\n";
        using RawConnection connection = await RawConnection.OpenAsync(new(System.Net.IPAddress.Loopback, _test.Host.Address.Port));
        await connection.SendAsync(Encoding.ASCII.GetBytes(good));
        Assert.That((await connection.ReadResponseAsync()).Status, Is.EqualTo(200));
        await connection.SendAsync(Encoding.ASCII.GetBytes(good));
        Assert.That((await connection.ReadResponseAsync()).Status, Is.EqualTo(200));
        await connection.SendAsync(Encoding.ASCII.GetBytes("GARBAGE\r\n\r\n"));
        RawResponse bad = await connection.ReadResponseAsync();
        Assert.That((bad.Status, bad.Code()), Is.EqualTo((400, "bad_request")));
    }

    private async Task AssertAliveAsync() =>
        Assert.That((await _test.SendRawAsync($"GET /health HTTP/1.1\r\n{Host}\r\n")).Status, Is.EqualTo(200));

    private static TestCaseData Case(string name, string request, params int[] statuses) => new TestCaseData(request, statuses).SetArgDisplayNames(name);
}
