using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Moesaic.Server.Tests.Anthropic;

/// <summary>/v1/messages on a real host with the embedded model.</summary>
internal sealed class MessagesRouteTests : IDisposable
{
    private ServiceHost _host = null!;
    private HttpClient _client = null!;
    private string _model = "";

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        _host = await ServiceHost.StartAsync(new ServerOptions { Port = 0, ApiKeys = [new ApiKey("alice", "secret")] });
        await _host.Ready;
        _client = new HttpClient { BaseAddress = _host.Address };
        _client.DefaultRequestHeaders.Add("x-api-key", "secret");
        _client.DefaultRequestHeaders.Add("anthropic-version", "2023-06-01");
        using HttpResponseMessage response = await _client.SendAsync(new HttpRequestMessage(HttpMethod.Get, "/v1/models") { Headers = { { "Authorization", "Bearer secret" } } });
        _model = JsonElement.Parse(await response.Content.ReadAsStringAsync()).GetProperty("data")[0].GetProperty("id").GetString()!;
    }

    [OneTimeTearDown]
    public async Task StopAsync()
    {
        if (_host is not null)
        {
            await _host.DisposeAsync();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _client?.Dispose();

    [Test]
    public async Task An_answer_comes_in_the_protocols_shape()
    {
        (HttpStatusCode status, JsonElement message) = await PostAsync(Body(new() { ["temperature"] = 0, ["max_tokens"] = 24 }));
        Assert.That(status, Is.EqualTo(HttpStatusCode.OK));
        Assert.That(message.EnumerateObject().Select(p => p.Name), Is.EqualTo(new[] { "id", "type", "role", "model", "content", "stop_reason", "stop_sequence", "usage" }));
        Assert.That(message.GetProperty("id").GetString(), Does.StartWith("msg_"));
        Assert.That(message.GetProperty("type").GetString(), Is.EqualTo("message"));
        Assert.That(message.GetProperty("role").GetString(), Is.EqualTo("assistant"));
        Assert.That(message.GetProperty("model").GetString(), Is.EqualTo(_model));
        Assert.That(message.GetProperty("content")[0].GetProperty("type").GetString(), Is.EqualTo("text"));
        Assert.That(message.GetProperty("content")[0].GetProperty("text").GetString(), Is.Not.Empty);
        Assert.That(message.GetProperty("stop_reason").GetString(), Is.AnyOf("end_turn", "max_tokens"));
        Assert.That(message.GetProperty("usage").GetProperty("output_tokens").GetInt32(), Is.InRange(1, 24));
    }

    [TestCase(0, 24, null)]
    [TestCase(1, 40, null)]
    [TestCase(1, 1, null)]
    [TestCase(0, 64, " ")]
    public async Task A_stream_adds_up_to_the_whole_answer(double temperature, int maxTokens, string? stop)
    {
        JsonObject fields = new() { ["temperature"] = temperature, ["max_tokens"] = maxTokens, ["seed"] = 11 };
        if (stop is not null)
        {
            fields["stop_sequences"] = new JsonArray(stop);
        }

        // Once before, so that both find the same in the prefix cache.
        await PostAsync(Body(fields));
        (_, JsonElement whole) = await PostAsync(Body(fields));
        fields["stream"] = true;
        using HttpResponseMessage response = await SendAsync("/v1/messages", Body(fields));
        Assert.That(response.Content.Headers.ContentType!.MediaType, Is.EqualTo("text/event-stream"));
        List<(string Name, JsonElement Data)> events = MessageStream.Parse(await response.Content.ReadAsStringAsync());
        Assert.That(events[0].Name, Is.EqualTo("message_start"));
        Assert.That(events[^1].Name, Is.EqualTo("message_stop"));
        Assert.That(WithoutId(MessageStream.Assemble(events)), Is.EqualTo(WithoutId(JsonNode.Parse(whole.GetRawText())!)));
    }

    [Test]
    public async Task Ends_say_why()
    {
        (_, JsonElement cut) = await PostAsync(Body(new() { ["temperature"] = 0, ["max_tokens"] = 2 }));
        Assert.That(cut.GetProperty("stop_reason").GetString(), Is.EqualTo("max_tokens"));
        Assert.That(cut.GetProperty("stop_sequence").ValueKind, Is.EqualTo(JsonValueKind.Null));
        Assert.That(cut.GetProperty("usage").GetProperty("output_tokens").GetInt32(), Is.EqualTo(2));
        (_, JsonElement stopped) = await PostAsync(Body(new() { ["temperature"] = 0, ["max_tokens"] = 64, ["stop_sequences"] = new JsonArray(" ") }));
        Assert.That(stopped.GetProperty("stop_reason").GetString(), Is.EqualTo("stop_sequence"));
        Assert.That(stopped.GetProperty("stop_sequence").GetString(), Is.EqualTo(" "));
    }

    [Test]
    public async Task Prompt_tokens_add_up_with_and_without_the_cache()
    {
        JsonObject fields = new() { ["max_tokens"] = 1, ["messages"] = new JsonArray(Message("user", string.Concat(Enumerable.Repeat("define river and lake. ", 12)))) };
        (_, JsonElement count) = await PostAsync(Body(fields), "/v1/messages/count_tokens");
        int expected = count.GetProperty("input_tokens").GetInt32();
        (_, JsonElement first) = await PostAsync(Body(fields));
        (_, JsonElement second) = await PostAsync(Body(fields));
        Assert.That(Input(first), Is.EqualTo(expected));
        Assert.That(Input(second), Is.EqualTo(expected));
        Assert.That(second.GetProperty("usage").GetProperty("cache_read_input_tokens").GetInt32(), Is.GreaterThan(0));

        static int Input(JsonElement message) =>
            message.GetProperty("usage").GetProperty("input_tokens").GetInt32() + message.GetProperty("usage").GetProperty("cache_read_input_tokens").GetInt32();
    }

    [Test]
    public async Task Counting_needs_no_limit_and_sees_the_system_prompt()
    {
        (HttpStatusCode status, JsonElement alone) = await PostAsync(Body([]), "/v1/messages/count_tokens");
        Assert.That(status, Is.EqualTo(HttpStatusCode.OK));
        (_, JsonElement with) = await PostAsync(Body(new() { ["system"] = "Answer with one short sentence." }), "/v1/messages/count_tokens");
        Assert.That(with.GetProperty("input_tokens").GetInt32(), Is.GreaterThan(alone.GetProperty("input_tokens").GetInt32()));
    }

    [Test]
    public async Task An_answer_that_the_request_began_is_gone_on_with()
    {
        (_, JsonElement whole) = await PostAsync(Body(new() { ["temperature"] = 0, ["max_tokens"] = 12 }));
        string text = whole.GetProperty("content")[0].GetProperty("text").GetString()!;
        string begun = text[..(text.IndexOf(' ', StringComparison.Ordinal))];
        (HttpStatusCode status, JsonElement rest) = await PostAsync(Body(new()
        {
            ["temperature"] = 0,
            ["max_tokens"] = 12,
            ["messages"] = new JsonArray(Message("user", "define river"), Message("assistant", begun)),
        }));
        Assert.That(status, Is.EqualTo(HttpStatusCode.OK), rest.GetRawText());
        Assert.That(begun + rest.GetProperty("content")[0].GetProperty("text").GetString(), Does.StartWith(text));
    }

    [TestCase("""{"max_tokens":null}""", "max_tokens", "missing_value")]
    [TestCase("""{"max_tokens":0}""", "max_tokens", "invalid_value")]
    [TestCase("""{"max_tokens":1.5}""", "max_tokens", "invalid_value")]
    [TestCase("""{"temperature":-1}""", "temperature", "invalid_value")]
    [TestCase("""{"top_p":0}""", "top_p", "invalid_value")]
    [TestCase("""{"top_k":"many"}""", "top_k", "invalid_value")]
    [TestCase("""{"stop_sequences":[""]}""", "stop_sequences[0]", "invalid_value")]
    [TestCase("""{"stop_sequences":"x"}""", "stop_sequences", "invalid_value")]
    [TestCase("""{"stream":"yes"}""", "stream", "invalid_value")]
    [TestCase("""{"thinking":{"type":"enabled"}}""", "thinking.budget_tokens", "missing_value")]
    [TestCase("""{"thinking":{"type":"enabled","budget_tokens":4096}}""", "thinking.budget_tokens", "invalid_value")]
    [TestCase("""{"thinking":{"type":"sometimes"}}""", "thinking.type", "invalid_value")]
    [TestCase("""{"tools":[{"name":"t","input_schema":{}}],"tool_choice":{"type":"any"}}""", "tool_choice.type", "not_supported")]
    [TestCase("""{"tools":[{"name":"t","input_schema":{}}],"tool_choice":{"type":"tool","name":"t"}}""", "tool_choice.type", "not_supported")]
    [TestCase("""{"tool_choice":{"type":"auto"}}""", "tool_choice", "invalid_value")]
    [TestCase("""{"tools":[{"name":"t"}]}""", "tools[0].input_schema", "missing_value")]
    [TestCase("""{"tools":[{"name":"","input_schema":{}}]}""", "tools[0].name", "invalid_value")]
    [TestCase("""{"tools":[{"type":"web_search_20250305","name":"web_search"}]}""", "tools[0].type", "not_supported")]
    [TestCase("""{"tools":[{"name":"t","input_schema":{}}]}""", "tools", "not_supported")]
    [TestCase("""{"mcp_servers":[]}""", "mcp_servers", "not_supported")]
    [TestCase("""{"output_config":{"format":{"type":"json_schema"}}}""", "output_config.format", "not_supported")]
    [TestCase("""{"messages":[{"role":"user","content":[{"type":"image","source":{"type":"url","url":"x"}}]}]}""", "messages[0].content[0].type", "not_supported")]
    public async Task A_wrong_field_is_refused_by_path(string fields, string param, string code)
    {
        (HttpStatusCode status, JsonElement body) = await PostAsync(Body(JsonNode.Parse(fields)!.AsObject()));
        AssertError(status, body, HttpStatusCode.BadRequest, "invalid_request_error");
        Assert.That(body.GetProperty("error").GetProperty("param").GetString(), Is.EqualTo(param));
        Assert.That(body.GetProperty("error").GetProperty("code").GetString(), Is.EqualTo(code));
        Assert.That(body.GetProperty("error").GetProperty("message").GetString(), Does.Contain(param));
    }

    [TestCase("""{"thinking":{"type":"disabled"}}""")]
    [TestCase("""{"thinking":{"type":"enabled","budget_tokens":4}}""")]
    [TestCase("""{"metadata":{"user_id":"u"},"service_tier":"auto","cache_control":{"type":"ephemeral"}}""")]
    [TestCase("""{"tools":[{"name":"t","input_schema":{}}],"tool_choice":{"type":"none"}}""")]
    [TestCase("""{"from_the_future":1}""")]
    public async Task What_changes_nothing_is_taken(string fields)
    {
        JsonObject all = JsonNode.Parse(fields)!.AsObject();
        all["max_tokens"] = 8;
        (HttpStatusCode status, JsonElement body) = await PostAsync(Body(all));
        Assert.That(status, Is.EqualTo(HttpStatusCode.OK), body.GetRawText());
    }

    [Test]
    public async Task Refusals_have_the_protocols_types()
    {
        (HttpStatusCode status, JsonElement body) = await PostAsync(Body(new() { ["model"] = "claude" }));
        AssertError(status, body, HttpStatusCode.NotFound, "not_found_error");
        (status, body) = await PostAsync("{");
        AssertError(status, body, HttpStatusCode.BadRequest, "invalid_request_error");
        (status, body) = await PostAsync(Body(new() { ["messages"] = new JsonArray(Message("user", new string('x', 100_000))) }));
        AssertError(status, body, HttpStatusCode.BadRequest, "invalid_request_error");
        Assert.That(body.GetProperty("error").GetProperty("code").GetString(), Is.EqualTo("context_length_exceeded"));
        using HttpRequestMessage get = new(HttpMethod.Get, "/v1/messages");
        using HttpResponseMessage refused = await _client.SendAsync(get);
        AssertError(refused.StatusCode, JsonElement.Parse(await refused.Content.ReadAsStringAsync()), HttpStatusCode.MethodNotAllowed, "invalid_request_error");
    }

    [TestCase("x-api-key", "secret", HttpStatusCode.OK)]
    [TestCase("Authorization", "Bearer secret", HttpStatusCode.OK)]
    [TestCase("x-api-key", "wrong", HttpStatusCode.Unauthorized)]
    [TestCase("x-none", "secret", HttpStatusCode.Unauthorized)]
    public async Task Either_way_of_giving_the_key_works(string header, string value, HttpStatusCode expected)
    {
        using HttpClient client = new() { BaseAddress = _host.Address };
        client.DefaultRequestHeaders.TryAddWithoutValidation(header, value);
        using StringContent content = new(Body([]), Encoding.UTF8, "application/json");
        using HttpResponseMessage response = await client.PostAsync("/v1/messages", content);
        Assert.That(response.StatusCode, Is.EqualTo(expected));
        if (expected == HttpStatusCode.Unauthorized)
        {
            AssertError(response.StatusCode, JsonElement.Parse(await response.Content.ReadAsStringAsync()), expected, "authentication_error");
        }
        else
        {
            Assert.That(response.Headers.GetValues("request-id").Single(), Is.EqualTo(response.Headers.GetValues("X-Request-Id").Single()));
        }
    }

    private static void AssertError(HttpStatusCode status, JsonElement body, HttpStatusCode expected, string type)
    {
        Assert.That(status, Is.EqualTo(expected), body.GetRawText());
        Assert.That(body.GetProperty("type").GetString(), Is.EqualTo("error"));
        Assert.That(body.GetProperty("error").GetProperty("type").GetString(), Is.EqualTo(type));
        Assert.That(body.GetProperty("request_id").GetString(), Is.Not.Empty);
    }

    private string Body(JsonObject fields)
    {
        JsonObject body = new() { ["model"] = _model, ["max_tokens"] = 16, ["messages"] = new JsonArray(Message("user", "define river")) };
        foreach ((string name, JsonNode? value) in fields)
        {
            body[name] = value?.DeepClone();
        }

        return body.ToJsonString();
    }

    private static JsonObject Message(string role, string content) => new() { ["role"] = role, ["content"] = content };

    private async Task<(HttpStatusCode Status, JsonElement Body)> PostAsync(string body, string path = "/v1/messages")
    {
        using HttpResponseMessage response = await SendAsync(path, body);
        return (response.StatusCode, JsonElement.Parse(await response.Content.ReadAsStringAsync()));
    }

    private async Task<HttpResponseMessage> SendAsync(string path, string body)
    {
        using StringContent content = new(body, Encoding.UTF8, "application/json");
        return await _client.PostAsync(path, content);
    }

    private static string WithoutId(JsonNode message)
    {
        message.AsObject().Remove("id");
        return message.ToJsonString();
    }
}
