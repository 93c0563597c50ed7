using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Moesaic.Engine;
using Moesaic.Server.Errors;
using Moesaic.Server.Routing;

namespace Moesaic.Server.Tests.Errors;

/// <summary>Every status in both envelopes, from wherever it comes.</summary>
internal sealed class EnvelopeTests
{
    private static readonly int[] s_statuses = [400, 401, 403, 404, 405, 408, 411, 413, 414, 415, 429, 431, 500, 503, 504];

    [TestCaseSource(nameof(s_statuses))]
    public async Task OpenAis_envelope_has_message_type_param_and_code(int status)
    {
        await using TestHost test = await TestHost.StartAsync(null, Failing("/test/fail", ErrorEnvelope.OpenAi, new ApiException(status, "some_code", "what, where", "messages[0]")));
        using HttpResponseMessage response = await test.Client.GetAsync("/test/fail");
        using JsonDocument json = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        JsonElement error = json.RootElement.GetProperty("error");
        Assert.Multiple(() =>
        {
            Assert.That((int)response.StatusCode, Is.EqualTo(status));
            Assert.That(error.GetProperty("message").GetString(), Is.EqualTo("what, where"));
            Assert.That(error.GetProperty("type").GetString(), Is.EqualTo(ErrorEnvelopes.OpenAiType(status)));
            Assert.That(error.GetProperty("param").GetString(), Is.EqualTo("messages[0]"));
            Assert.That(error.GetProperty("code").GetString(), Is.EqualTo("some_code"));
        });
    }

    [TestCaseSource(nameof(s_statuses))]
    public async Task Anthropics_envelope_has_its_type_and_the_request(int status)
    {
        await using TestHost test = await TestHost.StartAsync(null, Failing("/test/fail", ErrorEnvelope.Anthropic, new ApiException(status, "some_code", "what, where")));
        using HttpResponseMessage response = await test.Client.GetAsync("/test/fail");
        using JsonDocument json = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        Assert.Multiple(() =>
        {
            Assert.That(json.RootElement.GetProperty("type").GetString(), Is.EqualTo("error"));
            Assert.That(json.RootElement.GetProperty("error").GetProperty("type").GetString(), Is.EqualTo(ErrorEnvelopes.AnthropicType(status)));
            Assert.That(json.RootElement.GetProperty("error").GetProperty("code").GetString(), Is.EqualTo("some_code"));
            Assert.That(json.RootElement.GetProperty("request_id").GetString(), Is.EqualTo(response.Headers.GetValues("X-Request-Id").Single()));
        });
    }

    [Test]
    public async Task An_unexpected_failure_tells_nothing_but_its_request()
    {
        await using TestHost test = await TestHost.StartAsync(null, Failing("/test/fail", ErrorEnvelope.OpenAi, new InvalidDataException("secret detail")));
        using HttpResponseMessage response = await test.Client.GetAsync("/test/fail");
        string body = await response.Content.ReadAsStringAsync();
        Assert.Multiple(() =>
        {
            Assert.That((int)response.StatusCode, Is.EqualTo(500));
            Assert.That(body, Does.Contain("\"code\":\"internal_error\"").And.Not.Contain("secret").And.Not.Contain("   at "));
            Assert.That(test.Log, Does.Contain("secret detail").And.Contain(response.Headers.GetValues("X-Request-Id").Single()));
        });
    }

    [Test]
    public async Task A_refusal_says_when_to_come_back()
    {
        await using TestHost test = await TestHost.StartAsync(
            null, Failing("/test/fail", ErrorEnvelope.OpenAi, new ApiException(429, ErrorCodes.QueueFull, "full", retryAfter: TimeSpan.FromSeconds(2.1))));
        using HttpResponseMessage response = await test.Client.GetAsync("/test/fail");
        Assert.That(response.Headers.RetryAfter!.Delta, Is.EqualTo(TimeSpan.FromSeconds(3)));
    }

    [Test]
    public async Task A_failure_in_the_middle_of_an_answer_is_no_whole_answer()
    {
        Route route = new("GET", "/test/cut", RouteKey.User, ErrorEnvelope.OpenAi, static async c =>
        {
            await c.Http.Response.WriteAsync("half of", c.Aborted);
            await c.Http.Response.Body.FlushAsync(c.Aborted);
            throw new InvalidDataException("cut");
        });
        await using TestHost test = await TestHost.StartAsync(null, route);
        Assert.That(async () => await test.Client.GetStringAsync("/test/cut"), Throws.InstanceOf<HttpRequestException>());
    }

    [Test]
    public void Exceptions_have_their_status()
    {
        Assert.Multiple(() =>
        {
            Assert.That(ApiException.From(new ContextExceededException(9, 8)).Code, Is.EqualTo("context_length_exceeded"));
            Assert.That(ApiException.From(new NotSupportedException("x")).Code, Is.EqualTo("not_supported"));
            Assert.That(ApiException.From(new TimeoutException()).Status, Is.EqualTo(504));
            Assert.That(ApiException.From(new BadHttpRequestException("x", 413)).Code, Is.EqualTo("body_too_large"));
            Assert.That(ApiException.From(new ArgumentNullException("x")).Status, Is.EqualTo(500));
        });
    }

    [Test]
    public async Task Wrong_paths_and_methods_are_told_too()
    {
        await using TestHost test = await TestHost.StartAsync();
        RawResponse path = await test.SendRawAsync("GET /nothing/here HTTP/1.1\r\nHost: localhost\r\n\r\n");
        RawResponse method = await test.SendRawAsync("DELETE /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
        RawResponse head = await test.SendRawAsync("HEAD /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", halfClose: true);
        Assert.Multiple(() =>
        {
            Assert.That((path.Status, path.Code()), Is.EqualTo((404, "route_not_found")));
            Assert.That((method.Status, method.Code()), Is.EqualTo((405, "method_not_allowed")));
            Assert.That(method.Head, Does.Contain("Allow: GET, HEAD"));
            Assert.That((head.Status, head.Body), Is.EqualTo((200, "")));
        });
    }

    private static Route Failing(string path, ErrorEnvelope envelope, Exception exception) => new("GET", path, RouteKey.User, envelope, _ => throw exception);
}
