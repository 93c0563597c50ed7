using System.Text.Json;
using Moesaic.TestSupport;

namespace Moesaic.Server.Tests.OpenAi;

/// <summary>Tools over the protocol, with a model that copies a call from its prompt.</summary>
internal sealed class ToolTests : OpenAiTests
{
    private const string CallText = "<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Paris\"}}\n</tool_call>";
    private const string Tools = "\"tools\":" + """[{"type":"function","function":{"name":"get_weather","description":"The weather.","parameters":{"type":"object","properties":{"city":{"type":"string"}}}}}]""";

    private string? _folder;
    private OpenAiHost _host = null!;

    [OneTimeSetUp]
    public async Task Start()
    {
        string path = TestPaths.Shared("models", "SmolLM2-135M-Instruct.Q4_1.gguf");
        _folder = Directory.CreateTempSubdirectory("moesaic-test-").FullName;
        string template = Path.Combine(_folder, "template.jinja");
        await File.WriteAllTextAsync(template, "{%- if tools %}{{ tools | tojson }}\n{% endif %}{% for m in messages %}{{ m.role }}{{ m.content }}{% if m.tool_calls %}<tool_call>{{ m.tool_calls | tojson }}{% endif %}\n{% endfor %}");
        _host = await OpenAiHost.StartAsync(path, template);
    }

    [OneTimeTearDown]
    public async Task Stop()
    {
        if (_host is not null)
        {
            await _host.DisposeAsync();
        }

        if (_folder is not null)
        {
            Directory.Delete(_folder, recursive: true);
        }
    }

    [Test]
    public async Task Calls_are_told_apart_whole_and_streamed()
    {
        JsonElement response = await _host.PostAsync(Chat, Body(""));
        JsonElement choice = response.GetProperty("choices")[0];
        JsonElement call = choice.GetProperty("message").GetProperty("tool_calls")[0];
        Assert.That(Finish(response), Is.EqualTo("tool_calls"));
        Assert.That(choice.GetProperty("message").GetProperty("content").ValueKind, Is.EqualTo(JsonValueKind.Null));
        Assert.That(Shape(call), Is.EqualTo("id,type,function"));
        Assert.That(call.GetProperty("function").GetProperty("name").GetString(), Is.EqualTo("get_weather"));
        using JsonDocument arguments = JsonDocument.Parse(call.GetProperty("function").GetProperty("arguments").GetString()!);
        Assert.That(arguments.RootElement.GetProperty("city").GetString(), Is.EqualTo("Paris"));
        List<SseEvent> events = await _host.StreamAsync(Chat, Body(",\"stream\":true"));
        Assert.That(StreamedChoice(events, 0), Is.EqualTo(WholeChoice(response, 0)));
    }

    [Test]
    public async Task Without_tools_or_with_choice_none_the_same_text_is_content()
    {
        JsonElement response = await _host.PostAsync(Chat, Body(",\"tool_choice\":\"none\""));
        Assert.That(Content(response), Does.Contain("<tool_call>"));
        Assert.That(Finish(response), Is.EqualTo("stop"));
    }

    [Test]
    public async Task Responses_tell_calls_as_items()
    {
        string body = "{\"model\":\"m\",\"temperature\":0,\"stop\":[\"</tool_call>\"],\"include_stop_str_in_output\":true,\"max_output_tokens\":60,\"input\":" + JsonSerializer.Serialize(Prompt)
            + ",\"tools\":[{\"type\":\"function\",\"name\":\"get_weather\",\"parameters\":{\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\"}}}}]";
        JsonElement response = await _host.PostAsync("/v1/responses", body + "}");
        JsonElement item = response.GetProperty("output").EnumerateArray().Last();
        Assert.That(Shape(item), Is.EqualTo("id,type,status,call_id,name,arguments"));
        Assert.That((item.GetProperty("type").GetString(), item.GetProperty("name").GetString()), Is.EqualTo(("function_call", "get_weather")));
        List<SseEvent> events = await _host.StreamAsync("/v1/responses", body + ",\"stream\":true}");
        string deltas = string.Concat(events.Where(static e => e.Name == "response.function_call_arguments.delta").Select(static e => e.Data.GetProperty("delta").GetString()));
        Assert.That(deltas, Is.EqualTo(item.GetProperty("arguments").GetString()));
        Assert.That(events[^1].Name, Is.EqualTo("response.completed"));
    }

    [Test]
    public async Task Calls_and_results_of_earlier_turns_are_taken()
    {
        JsonElement response = await _host.PostAsync(Chat, """
            {"model":"m","max_tokens":2,"messages":[{"role":"user","content":"weather?"},
             {"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"get_weather","arguments":"{\"city\":\"Paris\"}"}}]},
             {"role":"tool","tool_call_id":"call_1","content":"sunny"}]}
            """);
        Assert.That(Used(response), Is.EqualTo(2));
    }

    // Repetition that even a small model goes on with.
    private static string Prompt => string.Concat(Enumerable.Repeat("\n" + CallText, 5));

    private static string Body(string more) =>
        "{\"model\":\"m\",\"temperature\":0,\"max_tokens\":60,\"stop\":[\"</tool_call>\"],\"include_stop_str_in_output\":true,\"messages\":[{\"role\":\"user\",\"content\":"
        + JsonSerializer.Serialize(Prompt) + "}]," + Tools + more + "}";
}
