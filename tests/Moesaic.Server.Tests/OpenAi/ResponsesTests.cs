using System.Text;
using System.Text.Json;

namespace Moesaic.Server.Tests.OpenAi;

/// <summary>POST /v1/responses against a real host.</summary>
internal sealed class ResponsesTests : OpenAiTests
{
    private const string Path = "/v1/responses";

    [Test]
    public async Task Whole_response_has_the_protocols_shape()
    {
        JsonElement response = await Host.PostAsync(Path, """{"model":"m","temperature":0,"input":"define river","metadata":{"a":"b"}}""");
        JsonElement item = response.GetProperty("output")[0];
        Assert.Multiple(() =>
        {
            Assert.That(Shape(response), Is.EqualTo("id,object,created_at,status,error,incomplete_details,instructions,max_output_tokens,model,output,parallel_tool_calls,previous_response_id,reasoning,store,temperature,top_p,text,tool_choice,tools,truncation,metadata,usage"));
            Assert.That(response.GetProperty("id").GetString(), Does.StartWith("resp_"));
            Assert.That(response.GetProperty("status").GetString(), Is.EqualTo("completed"));
            Assert.That(response.GetProperty("store").GetBoolean(), Is.False);
            Assert.That(response.GetProperty("metadata").GetRawText(), Is.EqualTo("""{"a":"b"}"""));
            Assert.That(Shape(item), Is.EqualTo("id,type,status,role,content"));
            Assert.That(Shape(item.GetProperty("content")[0]), Is.EqualTo("type,text,annotations,logprobs"));
            Assert.That(Shape(response.GetProperty("usage")), Is.EqualTo("input_tokens,input_tokens_details,output_tokens,output_tokens_details,total_tokens"));
        });
        Assert.That(OutputText(response), Is.EqualTo(Content(await ChatAsync("\"temperature\":0"))));
    }

    [Test]
    public async Task Stream_tells_every_change_in_order()
    {
        List<SseEvent> events = await Host.StreamAsync(Path, """{"model":"m","temperature":0,"input":[{"role":"user","content":[{"type":"input_text","text":"define river"}]}],"stream":true}""");
        string[] names = [.. events.Select(static e => e.Name!)];
        Assert.That(names.Take(4), Is.EqualTo((string[])["response.created", "response.in_progress", "response.output_item.added", "response.content_part.added"]));
        Assert.That(names.Skip(4).SkipLast(4).Distinct(), Is.EqualTo((string[])["response.output_text.delta"]));
        Assert.That(names.TakeLast(4), Is.EqualTo((string[])["response.output_text.done", "response.content_part.done", "response.output_item.done", "response.completed"]));
        Assert.That(events.Select(static e => e.Data.GetProperty("type").GetString()), Is.EqualTo(names));
        Assert.That(events.Select(static e => e.Data.GetProperty("sequence_number").GetInt32()), Is.EqualTo(Enumerable.Range(0, events.Count)));
        StringBuilder text = new();
        events.ForEach(e => text.Append(e.Name == "response.output_text.delta" ? e.Data.GetProperty("delta").GetString() : ""));
        Assert.That(text.ToString(), Is.EqualTo(OutputText(events[^1].Data.GetProperty("response"))));
        Assert.That(text.ToString(), Is.EqualTo(Content(await ChatAsync("\"temperature\":0"))));
    }

    [Test]
    public async Task Response_that_runs_out_of_tokens_is_incomplete()
    {
        JsonElement response = await Host.PostAsync(Path, """{"model":"m","temperature":0,"input":"define river","max_output_tokens":3}""");
        Assert.That(response.GetProperty("status").GetString(), Is.EqualTo("incomplete"));
        Assert.That(response.GetProperty("incomplete_details").GetRawText(), Is.EqualTo("""{"reason":"max_output_tokens"}"""));
        Assert.That(response.GetProperty("usage").GetProperty("output_tokens").GetInt32(), Is.EqualTo(3));
        List<SseEvent> events = await Host.StreamAsync(Path, """{"model":"m","temperature":0,"input":"define river","max_output_tokens":3,"stream":true}""");
        Assert.That(events[^1].Name, Is.EqualTo("response.incomplete"));
        Assert.That(OutputText(events[^1].Data.GetProperty("response")), Is.EqualTo(OutputText(response)));
    }

    [Test]
    public async Task Items_of_a_whole_conversation_are_taken()
    {
        await Host.PostAsync(Path, """
            {"model":"m","max_output_tokens":2,"instructions":"be brief","input":[
              {"type":"message","role":"user","content":"define river"},
              {"type":"reasoning","id":"rs_1","summary":[],"content":[{"type":"reasoning_text","text":"hm"}]},
              {"type":"message","role":"assistant","id":"msg_1","status":"completed","content":[{"type":"output_text","text":"a stream","annotations":[]}]},
              {"role":"user","content":"define bridge"}]}
            """);
    }

    [TestCase("\"store\":true", "not_supported", "store")]
    [TestCase("\"previous_response_id\":\"resp_1\"", "not_supported", "previous_response_id")]
    [TestCase("\"conversation\":\"c\"", "not_supported", "conversation")]
    [TestCase("\"background\":true", "not_supported", "background")]
    [TestCase("\"prompt\":{\"id\":\"p\"}", "not_supported", "prompt")]
    [TestCase("\"truncation\":\"auto\"", "not_supported", "truncation")]
    [TestCase("\"text\":{\"format\":{\"type\":\"json_schema\"}}", "not_supported", "text.format")]
    [TestCase("\"include\":[\"file_search_call.results\"]", "not_supported", "include[0]")]
    [TestCase("\"tool_choice\":\"required\",\"tools\":[{\"type\":\"function\",\"name\":\"f\"}]", "not_supported", "tool_choice")]
    [TestCase("\"tools\":[{\"type\":\"web_search\"}]", "not_supported", "tools[0].type")]
    [TestCase("\"max_output_tokens\":0", "invalid_value", "max_output_tokens")]
    [TestCase("\"reasoning\":{\"effort\":\"extreme\"}", "invalid_value", "reasoning.effort")]
    public async Task What_needs_state_or_constraints_is_refused(string fields, string code, string param)
    {
        await Host.ExpectRefusalAsync(Path, "{\"model\":\"m\",\"input\":\"a\"," + fields + "}", code, param);
    }

    [TestCase("[]", "invalid_value", "input")]
    [TestCase("5", "invalid_value", "input")]
    [TestCase("[{\"type\":\"item_reference\",\"id\":\"x\"}]", "not_supported", "input[0].type")]
    [TestCase("[{\"role\":\"user\",\"content\":[{\"type\":\"input_image\"}]}]", "not_supported", "input[0].content[0].type")]
    [TestCase("[{\"type\":\"function_call\",\"call_id\":\"1\",\"name\":\"f\",\"arguments\":\"x\"}]", "invalid_value", "input[0].arguments")]
    public async Task Bad_input_is_named(string input, string code, string param)
    {
        await Host.ExpectRefusalAsync(Path, "{\"model\":\"m\",\"input\":" + input + "}", code, param);
    }

    private static string OutputText(JsonElement response) => string.Concat(response.GetProperty("output").EnumerateArray()
        .Where(static i => i.GetProperty("type").GetString() == "message")
        .Select(static i => i.GetProperty("content")[0].GetProperty("text").GetString()));
}
