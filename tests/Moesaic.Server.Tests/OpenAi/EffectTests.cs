using System.Text;
using System.Text.Json;
using Moesaic.Engine;
using Moesaic.TestSupport;

namespace Moesaic.Server.Tests.OpenAi;

/// <summary>Fields of requests do what they are for.</summary>
internal sealed class EffectTests : OpenAiTests
{
    [TestCase("\"chat_template_kwargs\":{\"style\":\"terse\"}", "style=terse thinking= effort=")]
    [TestCase("\"chat_template_kwargs\":{\"enable_thinking\":false}", "style= thinking=False effort=")]
    [TestCase("\"reasoning_effort\":\"low\"", "style= thinking= effort=low")]
    [TestCase("\"reasoning_effort\":\"none\"", "style= thinking=False effort=none")]
    [TestCase("\"reasoning_effort\":\"none\",\"chat_template_kwargs\":{\"reasoning_effort\":\"own\",\"enable_thinking\":true}", "style= thinking=False effort=own")]
    [TestCase("\"add_generation_prompt\":false", "style= thinking= effort=", "")]
    public async Task Template_sees_what_the_request_says(string fields, string prompt, string end = " go:")
    {
        using TemporaryFolder folder = new();
        string template = folder.Combine("template.jinja");
        await File.WriteAllTextAsync(
            template, "style={{ style }} thinking={{ enable_thinking }} effort={{ reasoning_effort }}{% if add_generation_prompt %} go:{% endif %}");
        await using OpenAiHost host = await OpenAiHost.StartAsync(templatePath: template);
        JsonElement response = await host.PostAsync(Chat, "{" + River + ",\"max_tokens\":1,\"return_token_ids\":true," + fields + "}");
        string ids = response.GetProperty("prompt_token_ids").GetRawText();
        JsonElement text = await host.PostAsync("/detokenize", "{\"model\":\"m\",\"tokens\":" + ids + "}");
        Assert.That(text.GetProperty("prompt").GetString(), Is.EqualTo(prompt + end));
    }

    [Test]
    public async Task Effort_of_a_response_reaches_the_template()
    {
        using TemporaryFolder folder = new();
        string template = folder.Combine("template.jinja");
        await File.WriteAllTextAsync(template, "{% if reasoning_effort == 'high' %}{{ 'a long prompt of many tokens, ' * 9 }}{% else %}short{% endif %}");
        await using OpenAiHost host = await OpenAiHost.StartAsync(templatePath: template);
        Assert.That(await TokensAsync(",\"reasoning\":{\"effort\":\"high\"}"), Is.GreaterThan(3 * await TokensAsync("")));

        async Task<int> TokensAsync(string more) =>
            (await host.PostAsync("/v1/responses", "{\"model\":\"m\",\"input\":\"a\",\"max_output_tokens\":1" + more + "}")).GetProperty("usage").GetProperty("input_tokens").GetInt32();
    }

    [Test]
    public async Task One_call_is_all_that_comes_when_parallel_ones_are_not_wanted()
    {
        using TemporaryFolder folder = new();
        await using OpenAiHost host = await OpenAiHost.StartAsync(ScriptedCheckpoint.Write(folder.Path));
        const string parameters = """{"type":"object","properties":{"city":{"type":"string"}}}""";
        string question = $"Weather, {ScriptedCheckpoint.TwiceWord}?";
        string chat = $$$"""{"model":"m","temperature":0,"messages":[{"role":"user","content":"{{{question}}}"}],"tools":[{"type":"function","function":{"name":"get_weather","parameters":{{{parameters}}}}}]""";
        string responses = $$$"""{"model":"m","temperature":0,"input":"{{{question}}}","tools":[{"type":"function","name":"get_weather","parameters":{{{parameters}}}}]""";
        string messages = $$$"""{"model":"m","temperature":0,"max_tokens":99,"messages":[{"role":"user","content":"{{{question}}}"}],"tools":[{"name":"get_weather","input_schema":{{{parameters}}}}]""";
        const string single = ",\"parallel_tool_calls\":false";
        const string singleMessage = ",\"tool_choice\":{\"type\":\"auto\",\"disable_parallel_tool_use\":true}";
        const string oslo = "get_weather{\"city\": \"Oslo\"}";
        const string rome = "get_weather{\"city\": \"Rome\"}";

        JsonElement both = await host.PostAsync(Chat, chat + "}");
        JsonElement one = await host.PostAsync(Chat, chat + single + "}");
        Assert.That(WholeChoice(both, 0).Calls, Is.EqualTo(oslo + rome));
        Assert.That((WholeChoice(one, 0).Calls, WholeChoice(one, 0).Content, Finish(one)), Is.EqualTo((oslo, "", "tool_calls")));
        Assert.That(StreamedChoice(await host.StreamAsync(Chat, chat + single + ",\"stream\":true}"), 0), Is.EqualTo(WholeChoice(one, 0)));
        Assert.That(Calls(await host.PostAsync("/v1/responses", responses + "}"), "output", "function_call"), Is.EqualTo(2));
        Assert.That(Calls(await host.PostAsync("/v1/responses", responses + single + "}"), "output", "function_call"), Is.EqualTo(1));
        Assert.That(Calls(await host.PostAsync("/v1/messages", messages + "}"), "content", "tool_use"), Is.EqualTo(2));
        Assert.That(Calls(await host.PostAsync("/v1/messages", messages + singleMessage + "}"), "content", "tool_use"), Is.EqualTo(1));

        static int Calls(JsonElement answer, string list, string type) =>
            answer.GetProperty(list).EnumerateArray().Count(i => i.GetProperty("type").GetString() == type);
    }

    [Test]
    public async Task The_lower_priority_number_goes_first()
    {
        using BusySeat seat = new();
        await using OpenAiHost host = await seat.StartHostAsync(static o => o with { Serving = new ServingOptions { MaxSequences = 1 } });
        using HttpResponseMessage first = await host.OpenAsync(BusySeat.Path, BusySeat.Body);
        Task<JsonElement> later = host.PostAsync(Completions, "{" + RiverPrompt + ",\"ignore_eos\":true,\"max_tokens\":500,\"priority\":3}");
        await UntilWaitingAsync(host, 1);
        Task<JsonElement> sooner = host.PostAsync(Completions, "{" + RiverPrompt + ",\"max_tokens\":1,\"priority\":-3}");
        await UntilWaitingAsync(host, 2);
        first.Dispose();
        Assert.That(await Task.WhenAny(later, sooner), Is.SameAs(sooner));
        await Task.WhenAll(later, sooner);
    }

    [Test]
    public async Task Special_tokens_are_shown_when_asked_for()
    {
        string hidden = Content(await ChatAsync("\"temperature\":0,\"ignore_eos\":true,\"max_tokens\":40"));
        string shown = Content(await ChatAsync("\"temperature\":0,\"ignore_eos\":true,\"max_tokens\":40,\"skip_special_tokens\":false"));
        Assert.That((hidden.Contains("<|role_end|>", StringComparison.Ordinal), shown.Contains("<|role_end|>", StringComparison.Ordinal)), Is.EqualTo((false, true)));
    }

    [Test]
    public async Task Bad_words_do_not_come()
    {
        const string fields = "\"temperature\":0,\"ignore_eos\":true,\"max_tokens\":80";
        string all = Text(await CompleteAsync(fields));
        string[] words = [.. all.Split(' ').Where(static w => w.Length > 5 && w.All(char.IsAsciiLetterLower)).Distinct().Take(3)];
        Assert.That(words, Is.Not.Empty, all);
        string without = Text(await CompleteAsync(fields + ",\"bad_words\":" + JsonSerializer.Serialize(words)));
        string[] found = [.. without.Split(' ').Intersect(words)];
        Assert.That(found, Is.Empty, without);
        Assert.That(Text(await CompleteAsync(fields + ",\"bad_words\":[\"unseenword\"]")), Is.EqualTo(all), "what never came is no loss");
    }

    [Test]
    public async Task Prompt_logprobs_come_with_the_first_event_of_a_stream([Values(1, 2)] int samples)
    {
        string fields = $"\"temperature\":0,\"max_tokens\":3,\"n\":{samples},\"prompt_logprobs\":2";
        JsonElement chat = await ChatAsync(fields);
        List<SseEvent> events = await Host.StreamAsync(Chat, "{" + River + "," + fields + ",\"stream\":true}");
        JsonElement[] told = [.. events.Where(static e => !e.IsDone).Select(static e => e.Data).Where(static d => d.TryGetProperty("prompt_logprobs", out _))];
        Assert.That(told.Single().GetProperty("prompt_logprobs").GetRawText(), Is.EqualTo(chat.GetProperty("prompt_logprobs").GetRawText()));

        JsonElement text = await CompleteAsync(fields);
        events = await Host.StreamAsync(Completions, "{" + RiverPrompt + "," + fields + ",\"stream\":true}");
        for (int i = 0; i < samples; i++)
        {
            JsonElement[] choices = [.. events.Where(static e => !e.IsDone).Select(static e => e.Data.GetProperty("choices")[0]).Where(c => c.GetProperty("index").GetInt32() == i)];
            Assert.That(choices[0].GetProperty("prompt_logprobs").GetRawText(), Is.EqualTo(text.GetProperty("choices")[i].GetProperty("prompt_logprobs").GetRawText()));
            Assert.That(choices.Skip(1).All(static c => !c.TryGetProperty("prompt_logprobs", out _)));
            Assert.That(string.Concat(choices.Select(static c => c.GetProperty("text").GetString())), Is.EqualTo(Text(text, i)));
        }
    }

    [Test]
    public async Task Responses_tell_the_log_probabilities_of_their_text()
    {
        const string body = """{"model":"m","temperature":0,"input":"define river","include":["message.output_text.logprobs"],"top_logprobs":2""";
        JsonElement whole = (await Host.PostAsync("/v1/responses", body + "}")).GetProperty("output")[0].GetProperty("content")[0];
        JsonElement[] tokens = [.. whole.GetProperty("logprobs").EnumerateArray()];
        Assert.That(Shape(tokens[0]), Is.EqualTo("token,logprob,bytes,top_logprobs"));
        Assert.That(tokens.All(static t => t.GetProperty("top_logprobs").GetArrayLength() == 2));
        byte[] bytes = [.. tokens.SelectMany(static t => t.GetProperty("bytes").EnumerateArray()).Select(static b => b.GetByte())];
        Assert.That(Encoding.UTF8.GetString(bytes), Is.EqualTo(whole.GetProperty("text").GetString()));
        JsonElement[] chat = [.. (await ChatAsync("\"temperature\":0,\"logprobs\":true,\"top_logprobs\":2")).GetProperty("choices")[0].GetProperty("logprobs").GetProperty("content").EnumerateArray()];
        Assert.That(tokens.Select(static t => t.GetRawText()), Is.EqualTo(chat.SkipLast(1).Select(static t => t.GetRawText())));

        List<SseEvent> events = await Host.StreamAsync("/v1/responses", body + ",\"stream\":true}");
        string[] streamed = [.. events.Where(static e => e.Name == "response.output_text.delta").SelectMany(static e => e.Data.GetProperty("logprobs").EnumerateArray()).Select(static t => t.GetRawText())];
        Assert.That(streamed, Is.EqualTo(tokens.Select(static t => t.GetRawText())));
        string done = events.Single(static e => e.Name == "response.output_text.done").Data.GetProperty("logprobs").GetRawText();
        Assert.That(done, Is.EqualTo(whole.GetProperty("logprobs").GetRawText()));
        await Host.ExpectRefusalAsync("/v1/responses", """{"model":"m","input":"a","top_logprobs":2}""", "invalid_value", "top_logprobs");
    }

    // The limit only keeps a broken host from hanging the test.
    private static async Task UntilWaitingAsync(OpenAiHost host, int count)
    {
        using CancellationTokenSource limit = new(TimeSpan.FromSeconds(60));
        while (host.Engine.Statistics().Waiting < count)
        {
            limit.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }
}
