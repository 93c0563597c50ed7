using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Moesaic.TestSupport;

namespace Moesaic.Server.Tests.Anthropic;

/// <summary>Tools and thinking over /v1/messages, with a checkpoint that calls and thinks in known words.</summary>
internal sealed class ToolUseTests : IDisposable
{
    private const string Tools = """[{"name":"get_weather","description":"Weather of a city","input_schema":{"type":"object","properties":{"city":{"type":"string"}}}}]""";

    private TemporaryFolder _folder = null!;
    private ServiceHost _host = null!;
    private HttpClient _client = null!;

    [OneTimeSetUp]
    public async Task StartAsync()
    {
        _folder = new TemporaryFolder();
        _host = await ServiceHost.StartAsync(new ServerOptions { Port = 0, Models = [new ModelSource("scripted", ScriptedCheckpoint.Write(_folder.Path))] });
        await _host.Ready;
        _client = new HttpClient { BaseAddress = _host.Address };
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
    public void Dispose()
    {
        _client?.Dispose();
        _folder?.Dispose();
    }

    [Test]
    public async Task A_call_comes_as_a_block_and_its_result_goes_on()
    {
        JsonObject body = Body("Weather in Paris?", tools: true);
        JsonNode message = await AnswerAsync(body);
        Assert.That(message["stop_reason"]!.GetValue<string>(), Is.EqualTo("tool_use"));
        JsonNode call = message["content"]!.AsArray().Single()!;
        Assert.That(call["type"]!.GetValue<string>(), Is.EqualTo("tool_use"));
        Assert.That(call["name"]!.GetValue<string>(), Is.EqualTo(ScriptedCheckpoint.ToolName));
        Assert.That(JsonNode.DeepEquals(call["input"], JsonNode.Parse(ScriptedCheckpoint.ToolArguments)));

        string id = call["id"]!.GetValue<string>();
        body["messages"]!.AsArray().Add(new JsonObject { ["role"] = "assistant", ["content"] = message["content"]!.DeepClone() });
        body["messages"]!.AsArray().Add(new JsonObject
        {
            ["role"] = "user",
            ["content"] = new JsonArray(new JsonObject { ["type"] = "tool_result", ["tool_use_id"] = id, ["content"] = "Sunny" }),
        });
        JsonNode answer = await AnswerAsync(body);
        Assert.That(answer["content"]![0]!["text"]!.GetValue<string>(), Is.EqualTo(ScriptedCheckpoint.ResultAnswer));
        Assert.That(answer["stop_reason"]!.GetValue<string>(), Is.EqualTo("end_turn"));
    }

    [Test]
    public async Task Tools_that_may_not_be_used_are_not_shown()
    {
        JsonObject body = Body("Weather in Paris?", tools: true);
        body["tool_choice"] = new JsonObject { ["type"] = "none" };
        JsonNode message = await AnswerAsync(body);
        Assert.That(message["content"]![0]!["text"]!.GetValue<string>(), Is.EqualTo(ScriptedCheckpoint.Answer));
    }

    [Test]
    public async Task Thinking_is_a_block_before_the_answer_when_it_is_wanted()
    {
        JsonObject body = Body("Tell me", tools: false);
        body["thinking"] = new JsonObject { ["type"] = "enabled", ["budget_tokens"] = 32 };
        JsonArray blocks = (await AnswerAsync(body))["content"]!.AsArray();
        Assert.That(blocks.Select(b => b!["type"]!.GetValue<string>()), Is.EqualTo(new[] { "thinking", "text" }));
        Assert.That(blocks[0]!["thinking"]!.GetValue<string>(), Is.EqualTo(ScriptedCheckpoint.Thought));
        Assert.That(blocks[1]!["text"]!.GetValue<string>(), Is.EqualTo(ScriptedCheckpoint.Answer));

        body["thinking"] = new JsonObject { ["type"] = "disabled" };
        blocks = (await AnswerAsync(body))["content"]!.AsArray();
        Assert.That(blocks.Single()!["text"]!.GetValue<string>(), Is.EqualTo(ScriptedCheckpoint.Answer));
    }

    [TestCase("tool", 64)]
    [TestCase("tool", 4)]
    [TestCase("thinking", 64)]
    [TestCase("thinking", 3)]
    [TestCase("plain", 64)]
    public async Task Streams_add_up_to_whole_answers(string kind, int maxTokens)
    {
        JsonObject body = Body("Tell me", tools: kind == "tool");
        body["max_tokens"] = maxTokens;
        if (kind == "thinking")
        {
            body["thinking"] = new JsonObject { ["type"] = "enabled", ["budget_tokens"] = 2 };
        }

        // Once before, so that both find the same in the prefix cache.
        await AnswerAsync(body);
        JsonNode whole = await AnswerAsync(body);
        body["stream"] = true;
        JsonNode streamed = MessageStream.Assemble(MessageStream.Parse(await PostAsync(body)));
        Assert.That(WithoutIds(streamed), Is.EqualTo(WithoutIds(whole)));
    }

    // Ids of messages and calls are drawn anew.
    private static string WithoutIds(JsonNode message)
    {
        message.AsObject().Remove("id");
        foreach (JsonNode? block in message["content"]!.AsArray())
        {
            block!.AsObject().Remove("id");
        }

        return message.ToJsonString();
    }

    private static JsonObject Body(string question, bool tools)
    {
        JsonObject body = new()
        {
            ["model"] = "scripted",
            ["max_tokens"] = 64,
            ["temperature"] = 0,
            ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = question }),
        };
        if (tools)
        {
            body["tools"] = JsonNode.Parse(Tools);
        }

        return body;
    }

    private async Task<JsonNode> AnswerAsync(JsonObject body) => JsonNode.Parse(await PostAsync(body))!;

    private async Task<string> PostAsync(JsonObject body)
    {
        using StringContent content = new(body.ToJsonString(), Encoding.UTF8, "application/json");
        using HttpResponseMessage response = await _client.PostAsync("/v1/messages", content);
        string text = await response.Content.ReadAsStringAsync();
        Assert.That((int)response.StatusCode, Is.EqualTo(200), text);
        return text;
    }
}
