using System.Text.Json;

namespace Moesaic.Server.Tests.OpenAi;

/// <summary>POST /v1/completions against a real host.</summary>
internal sealed class CompletionTests : OpenAiTests
{
    [Test]
    public async Task Whole_answer_has_the_protocols_shape_and_sixteen_tokens()
    {
        JsonElement response = await CompleteAsync("\"temperature\":0,\"ignore_eos\":true");
        Assert.Multiple(() =>
        {
            Assert.That(Shape(response), Is.EqualTo("id,object,created,model,system_fingerprint,choices,usage"));
            Assert.That(Shape(response.GetProperty("choices")[0]), Is.EqualTo("index,text,logprobs,finish_reason,stop_reason"));
            Assert.That(response.GetProperty("object").GetString(), Is.EqualTo("text_completion"));
            Assert.That(response.GetProperty("id").GetString(), Does.StartWith("cmpl-"));
            Assert.That((Used(response), Finish(response)), Is.EqualTo((16, "length")));
        });
    }

    [Test]
    public async Task Chat_and_its_rendered_prompt_get_the_same_answer()
    {
        string chat = Content(await ChatAsync("\"temperature\":0"));
        Assert.That(Text(await CompleteAsync("\"temperature\":0,\"max_tokens\":200")), Is.EqualTo(chat));
    }

    [Test]
    public async Task Prompts_are_text_or_ids_alone_or_in_batches()
    {
        JsonElement tokens = (await Host.PostAsync("/tokenize", "{\"model\":\"m\",\"prompt\":\"define river\"}")).GetProperty("tokens");
        string ids = tokens.GetRawText();
        string expected = Text(await Host.PostAsync(Completions, """{"model":"m","temperature":0,"prompt":"define river"}"""));
        string other = Text(await Host.PostAsync(Completions, """{"model":"m","temperature":0,"prompt":"define bridge"}"""));
        Assert.That(Text(await Host.PostAsync(Completions, $"{{\"model\":\"m\",\"temperature\":0,\"prompt\":{ids}}}")), Is.EqualTo(expected));
        JsonElement texts = await Host.PostAsync(Completions, """{"model":"m","temperature":0,"n":2,"prompt":["define river","define bridge"]}""");
        Assert.That(texts.GetProperty("choices").EnumerateArray().Select(static c => c.GetProperty("text").GetString()), Is.EqualTo((string[])[expected, expected, other, other]));
        Assert.That(texts.GetProperty("choices").EnumerateArray().Select(static c => c.GetProperty("index").GetInt32()), Is.EqualTo((int[])[0, 1, 2, 3]));
        JsonElement both = await Host.PostAsync(Completions, $"{{\"model\":\"m\",\"temperature\":0,\"prompt\":[{ids},{ids}]}}");
        Assert.That((Text(both, 0), Text(both, 1)), Is.EqualTo((expected, expected)));
        Assert.That(Used(both, "prompt_tokens"), Is.EqualTo(2 * tokens.GetArrayLength()));
    }

    [TestCase("\"temperature\":0,\"max_tokens\":30")]
    [TestCase("\"temperature\":0,\"max_tokens\":5,\"echo\":true,\"logprobs\":2")]
    [TestCase("\"temperature\":1.5,\"seed\":5,\"n\":3,\"logprobs\":0")]
    [TestCase("\"temperature\":0,\"stop\":\" of\",\"max_tokens\":40,\"echo\":true")]
    public async Task Streamed_and_whole_answers_are_the_same(string fields)
    {
        JsonElement whole = await CompleteAsync(fields);
        List<SseEvent> events = await Host.StreamAsync(Completions, "{" + RiverPrompt + "," + fields + ",\"stream\":true,\"stream_options\":{\"include_usage\":true}}");
        Assert.That(events[^1].IsDone);
        Assert.That(events[^2].Data.GetProperty("usage").GetRawText(), Is.EqualTo(whole.GetProperty("usage").GetRawText()).Or.Matches("cached_tokens"));
        for (int i = 0; i < whole.GetProperty("choices").GetArrayLength(); i++)
        {
            JsonElement[] pieces = [.. events.Where(static e => !e.IsDone).SelectMany(static e => e.Data.GetProperty("choices").EnumerateArray()).Where(c => c.GetProperty("index").GetInt32() == i)];
            JsonElement choice = whole.GetProperty("choices")[i];
            Assert.That(string.Concat(pieces.Select(static p => p.GetProperty("text").GetString())), Is.EqualTo(Text(whole, i)));
            Assert.That(pieces[^1].GetProperty("finish_reason").GetString(), Is.EqualTo(Finish(whole, i)));
            foreach (string list in (string[])["tokens", "token_logprobs", "top_logprobs", "text_offset"])
            {
                Assert.That(pieces.SelectMany(p => Items(p, list)), Is.EqualTo(Items(choice, list)), list);
            }
        }

        static IEnumerable<string> Items(JsonElement choice, string list) => choice.GetProperty("logprobs") is { ValueKind: JsonValueKind.Object } logprobs
            ? logprobs.GetProperty(list).EnumerateArray().Select(static i => i.GetRawText())
            : [];
    }

    [Test]
    public async Task Echo_repeats_the_prompt_with_its_logprobs()
    {
        JsonElement response = await Host.PostAsync(Completions, """{"model":"m","temperature":0,"prompt":"define river","echo":true,"logprobs":1,"max_tokens":4}""");
        JsonElement logprobs = response.GetProperty("choices")[0].GetProperty("logprobs");
        int count = Used(response, "total_tokens");
        string[] tokens = [.. logprobs.GetProperty("tokens").EnumerateArray().Select(static t => t.GetString()!)];
        int[] offsets = [.. logprobs.GetProperty("text_offset").EnumerateArray().Select(static t => t.GetInt32())];
        Assert.Multiple(() =>
        {
            Assert.That(Text(response), Does.StartWith("define river"));
            Assert.That(tokens, Has.Length.EqualTo(count));
            Assert.That(logprobs.GetProperty("token_logprobs")[0].ValueKind, Is.EqualTo(JsonValueKind.Null));
            Assert.That(logprobs.GetProperty("top_logprobs")[0].ValueKind, Is.EqualTo(JsonValueKind.Null));
            Assert.That(logprobs.GetProperty("token_logprobs").EnumerateArray().Skip(1).All(static t => t.GetDouble() <= 0));
            Assert.That(offsets[0], Is.Zero);
            Assert.That(offsets[^1] + tokens[^1].Length, Is.EqualTo(tokens.Sum(static t => t.Length)));
        });
    }

    [Test]
    public async Task Prompt_logprobs_agree_with_those_of_the_same_tokens_drawn()
    {
        JsonElement drawn = await CompleteAsync("\"temperature\":0,\"max_tokens\":6,\"logprobs\":0,\"return_token_ids\":true");
        JsonElement choice = drawn.GetProperty("choices")[0];
        int[] prompt = [.. choice.GetProperty("prompt_token_ids").EnumerateArray().Select(static t => t.GetInt32())];
        int[] answer = [.. choice.GetProperty("token_ids").EnumerateArray().Select(static t => t.GetInt32())];
        JsonElement scored = await Host.PostAsync(Completions, $"{{\"model\":\"m\",\"max_tokens\":0,\"echo\":true,\"logprobs\":0,\"prompt\":[{string.Join(',', prompt.Concat(answer))}]}}");
        Assert.That(Used(scored), Is.Zero);
        double[] again = [.. scored.GetProperty("choices")[0].GetProperty("logprobs").GetProperty("token_logprobs").EnumerateArray().Skip(prompt.Length).Select(static t => t.GetDouble())];
        double[] first = [.. choice.GetProperty("logprobs").GetProperty("token_logprobs").EnumerateArray().Select(static t => t.GetDouble())];
        Assert.That(again, Is.EqualTo(first).Within(1e-4));
    }
}
