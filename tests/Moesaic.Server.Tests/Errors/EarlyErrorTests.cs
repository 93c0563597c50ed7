using System.Text.Json;

namespace Moesaic.Server.Tests.Errors;

/// <summary>Refusals before a route runs speak the protocol of the path.</summary>
internal sealed class EarlyErrorTests
{
    [TestCase("POST /v1/messages", "Host: evil.example\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}", 400)]
    [TestCase("POST /v1/messages", "Host: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}", 401)]
    [TestCase("POST /v1/messages/nothing", "Host: localhost\r\nContent-Length: 0\r\n\r\n", 404)]
    [TestCase("DELETE /v1/messages", "Host: localhost\r\n\r\n", 405)]
    [TestCase("POST /v1/messages", "Host: localhost\r\nx-api-key: sk\r\nContent-Type: application/json\r\nContent-Length: 99999999\r\n\r\n", 413)]
    [TestCase("POST /v1/messages/count_tokens", "Host: localhost\r\nx-api-key: sk\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}", 415)]
    public async Task Anthropics_clients_find_the_requests_id(string line, string rest, int status)
    {
        await using TestHost test = await TestHost.StartAsync(TestHost.Options with { ApiKeys = [new ApiKey("k", "sk")] });
        RawResponse response = await test.SendRawAsync($"{line} HTTP/1.1\r\nX-Request-Id: mine\r\n{rest}");
        Assert.That(response.Status, Is.EqualTo(status), response.Body);
        Assert.That(response.Head, Does.Match("(?mi)^request-id: mine").And.Contain("X-Request-Id: mine"));
        JsonElement body = JsonElement.Parse(response.Body);
        Assert.That(body.GetProperty("type").GetString(), Is.EqualTo("error"));
        Assert.That(body.GetProperty("request_id").GetString(), Is.EqualTo("mine"));
    }

    [Test]
    public async Task What_is_no_request_at_all_has_an_id_for_both()
    {
        await using TestHost test = await TestHost.StartAsync();
        RawResponse response = await test.SendRawAsync("POST /v1/messages HTTP/9.9\r\n\r\n");
        Assert.That(response.Head, Does.Match("\nX-Request-Id: req_[0-9a-f]{24}\r\nrequest-id: req_[0-9a-f]{24}"));
    }

    [TestCase("POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nX-A: ", 40_000, 431)]
    [TestCase("POST /v1/messages?", 9000, 414)]
    [TestCase("POST /v1/messages/count_tokens HTTP/1.1\r\nHost: localhost\r\n: ", 1, 400)]
    [TestCase("POST /v1/messages HTTP/9.", 1, 505)]
    [TestCase("\r\nPOST /v1/messages HTTP/1.1\r\nContent-Length: ", 1, 400)]
    public async Task What_never_becomes_a_request_speaks_the_protocol_of_its_path(string start, int count, int status)
    {
        await using TestHost test = await TestHost.StartAsync();
        string bytes = $"{start}{new string('9', count)}\r\n\r\n";
        RawResponse anthropic = await test.SendRawAsync(bytes);
        RawResponse openAi = await test.SendRawAsync(bytes.Replace("/v1/messages", "/v1/massages", StringComparison.Ordinal));
        Assert.That((anthropic.Status, openAi.Status), Is.EqualTo((status, status)));
        JsonElement body = JsonElement.Parse(anthropic.Body);
        Assert.That(body.GetProperty("type").GetString(), Is.EqualTo("error"));
        Assert.That(anthropic.Head, Does.Contain($"\nrequest-id: {body.GetProperty("request_id").GetString()}\r"));
        Assert.That(anthropic.Code(), Is.EqualTo(openAi.Code()));
        Assert.That(JsonElement.Parse(openAi.Body).EnumerateObject().Select(static p => p.Name), Is.EqualTo(new[] { "error" }));
    }

    [Test]
    public async Task The_latest_request_of_a_connection_counts()
    {
        await using TestHost test = await TestHost.StartAsync();
        using RawConnection connection = await RawConnection.OpenAsync(new(System.Net.IPAddress.Loopback, test.Host.Address.Port));
        foreach ((string request, bool isAnthropic) in new[]
        {
            ("GET /v1/messages HTTP/1.1\r\nHost: localhost\r\n\r\n", true),
            ("GET /v1/models/none HTTP/1.1\r\nHost: localhost\r\n\r\n", false),
            ("POST /v1/messages HTTP/1.1\r\nHost: localhost\r\nnonsense\r\n\r\n", true),
        })
        {
            await connection.SendAsync(System.Text.Encoding.ASCII.GetBytes(request));
            RawResponse response = await connection.ReadResponseAsync();
            Assert.That(JsonElement.Parse(response.Body).TryGetProperty("type", out _), Is.EqualTo(isAnthropic), request);
        }
    }

    [TestCase("other", "other")]
    [TestCase("a\\nb\\u202ec\\u0000", "a?b?c?")]
    [TestCase("\\ud83d\\ude00", "??")]
    public async Task An_unknown_model_is_named_as_far_as_that_is_safe(string name, string shown)
    {
        await using TestHost test = await TestHost.StartAsync();
        using HttpResponseMessage response = await test.PostAsync("/v1/completions", "{\"model\":\"" + name + "\",\"prompt\":\"a\"}");
        Assert.That((int)response.StatusCode, Is.EqualTo(404));
        Assert.That(await MessageAsync(response), Is.EqualTo($"model: there is no model '{shown}'; served here: {TestHost.Model}"));
        string longName = new('x', 300);
        using HttpResponseMessage other = await test.PostAsync("/v1/messages", "{\"max_tokens\":1,\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],\"model\":\"" + longName + "\"}");
        Assert.That(await MessageAsync(other), Does.Contain($"'{longName[..64]}...'"));

        static async Task<string?> MessageAsync(HttpResponseMessage response) =>
            JsonElement.Parse(await response.Content.ReadAsStringAsync()).GetProperty("error").GetProperty("message").GetString();
    }
}
