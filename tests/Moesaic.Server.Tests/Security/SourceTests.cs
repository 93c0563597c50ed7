using Moesaic.Server.Errors;
using Moesaic.Server.Routing;

namespace Moesaic.Server.Tests.Security;

/// <summary>By which name, from which page and with what kind of body a request may come.</summary>
internal sealed class SourceTests
{
    private static readonly Route s_echo = new("POST", "/test/echo", RouteKey.User, ErrorEnvelope.OpenAi, static async c => await c.WriteAsync(200, "application/json", await c.ReadBodyAsync()));

    [TestCase("localhost", 200)]
    [TestCase("localhost:8000", 200)]
    [TestCase("127.0.0.1", 200)]
    [TestCase("[::1]:80", 200)]
    [TestCase("192.168.7.9:8000", 200)]
    [TestCase("my-box", 200)]
    [TestCase("MY-BOX:8000", 200)]
    [TestCase("evil.example", 400)]
    [TestCase("localhost.evil.example", 400)]
    [TestCase("127.0.0.1.evil.example", 400)]
    [TestCase("", 200)]
    public async Task Only_known_names_are_answered(string host, int status)
    {
        await using TestHost test = await TestHost.StartAsync(TestHost.Options with { AllowedHosts = ["my-box"] });
        RawResponse response = await test.SendRawAsync($"GET /health HTTP/1.1\r\nHost: {host}\r\n\r\n");
        Assert.That(response.Status, Is.EqualTo(status));
        if (status == 400)
        {
            Assert.That(response.Code(), Is.EqualTo("invalid_host"));
        }
    }

    [TestCase("localhost:8000", "http://localhost:8000", 200)]
    [TestCase("localhost", "https://localhost", 200)]
    [TestCase("localhost:80", "http://localhost", 200)]
    [TestCase("localhost:8000", "http://localhost:9000", 403)]
    [TestCase("localhost:8000", "http://127.0.0.1:8000", 403)]
    [TestCase("localhost:8000", "https://evil.example", 403)]
    [TestCase("localhost:8000", "null", 403)]
    [TestCase("localhost:8000", "file://", 403)]
    public async Task Pages_from_elsewhere_are_refused(string host, string origin, int status)
    {
        await using TestHost test = await TestHost.StartAsync(null, s_echo);
        RawResponse response = await test.SendRawAsync(
            $"POST /test/echo HTTP/1.1\r\nHost: {host}\r\nOrigin: {origin}\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{{}}");
        Assert.That(response.Status, Is.EqualTo(status));
        Assert.That(response.Head, Does.Not.Contain("Access-Control").IgnoreCase);
        if (status == 403)
        {
            Assert.That(response.Code(), Is.EqualTo("invalid_origin"));
        }
    }

    [Test]
    public async Task A_browser_that_asks_first_gets_no_leave()
    {
        await using TestHost test = await TestHost.StartAsync(null, s_echo);
        RawResponse response = await test.SendRawAsync(
            "OPTIONS /test/echo HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\nAccess-Control-Request-Method: POST\r\n\r\n");
        Assert.That((response.Status, response.Code()), Is.EqualTo((405, "method_not_allowed")));
        Assert.That(response.Head, Does.Contain("Allow: POST").And.Not.Contain("Access-Control"));
    }

    [TestCase("application/json", null, 200)]
    [TestCase("application/json; charset=utf-8", null, 200)]
    [TestCase("application/json; charset=\"utf-8\"", null, 200)]
    [TestCase("APPLICATION/JSON", "identity", 200)]
    [TestCase("application/json; charset=utf-16", null, 415)]
    [TestCase("text/plain", null, 415)]
    [TestCase("application/x-www-form-urlencoded", null, 415)]
    [TestCase("multipart/form-data; boundary=x", null, 415)]
    [TestCase("application/jsonp", null, 415)]
    [TestCase("nonsense", null, 415)]
    [TestCase(null, null, 415)]
    [TestCase("application/json", "gzip", 415)]
    [TestCase("application/json", "br, gzip", 415)]
    public async Task Bodies_are_json_and_not_compressed(string? type, string? encoding, int status)
    {
        await using TestHost test = await TestHost.StartAsync(null, s_echo);
        string head = (type is null ? "" : $"Content-Type: {type}\r\n") + (encoding is null ? "" : $"Content-Encoding: {encoding}\r\n");
        RawResponse response = await test.SendRawAsync($"POST /test/echo HTTP/1.1\r\nHost: localhost\r\n{head}Content-Length: 2\r\n\r\n{{}}");
        Assert.That(response.Status, Is.EqualTo(status));
        if (status == 415)
        {
            Assert.That(response.Code(), Is.EqualTo("unsupported_media_type"));
        }
    }
}
