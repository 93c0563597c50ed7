using System.Text.Json;

namespace Moesaic.Server.Tests.OpenAi;

/// <summary>POST /v1/chat/completions against a real host.</summary>
internal sealed class ChatCompletionTests : OpenAiTests
{
    [Test]
    public async Task Whole_answer_has_the_protocols_shape()
    {
        JsonElement response = await ChatAsync("\"temperature\":0");
        JsonElement choice = response.GetProperty("choices")[0];
        Assert.Multiple(() =>
        {
            Assert.That(Shape(response), Is.EqualTo("id,object,created,model,system_fingerprint,choices,usage"));
            Assert.That(Shape(choice), Is.EqualTo("index,message,logprobs,finish_reason,stop_reason"));
            Assert.That(Shape(choice.GetProperty("message")), Is.EqualTo("role,content"));
            Assert.That(Shape(response.GetProperty("usage")), Is.EqualTo("prompt_tokens,completion_tokens,total_tokens,prompt_tokens_details,completion_tokens_details"));
            Assert.That(response.GetProperty("id").GetString(), Does.StartWith("chatcmpl-"));
            Assert.That(response.GetProperty("object").GetString(), Is.EqualTo("chat.completion"));
            Assert.That(response.GetProperty("model").GetString(), Is.EqualTo("m"));
            Assert.That(response.GetProperty("system_fingerprint").GetString(), Does.Match("^fp_[0-9a-f]{10}$"));
            Assert.That(Content(response), Does.Contain("stream"));
            Assert.That(Finish(response), Is.EqualTo("stop"));
            Assert.That(choice.GetProperty("stop_reason").ValueKind, Is.EqualTo(JsonValueKind.Null));
            Assert.That(Used(response, "total_tokens"), Is.EqualTo(Used(response, "prompt_tokens") + Used(response)));
        });
    }

    [Test]
    public async Task Stream_has_the_protocols_shape()
    {
        List<SseEvent> events = await Host.StreamAsync(Chat, "{" + River + ",\"temperature\":0,\"stream\":true}");
        JsonElement first = events[0].Data;
        JsonElement last = events[^2].Data;
        Assert.Multiple(() =>
        {
            Assert.That(events.Count(static e => e.IsDone), Is.EqualTo(1));
            Assert.That(events[^1].IsDone);
            Assert.That(events.All(static e => e.Name is null));
            Assert.That(Shape(first), Is.EqualTo("id,object,created,model,choices"));
            Assert.That(first.GetProperty("object").GetString(), Is.EqualTo("chat.completion.chunk"));
            Assert.That(first.GetProperty("choices")[0].GetRawText(), Is.EqualTo("""{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}"""));
            Assert.That(last.GetProperty("choices")[0].GetRawText(), Is.EqualTo("""{"index":0,"delta":{},"finish_reason":"stop","stop_reason":null}"""));
            Assert.That(last.TryGetProperty("system_fingerprint", out _));
            Assert.That(events.Take(events.Count - 1).Select(static e => e.Data.GetProperty("id").GetString()).Distinct().Count(), Is.EqualTo(1));
            Assert.That(events.Take(events.Count - 1).All(static e => !e.Data.TryGetProperty("usage", out _)));
        });
    }

    [TestCase("\"temperature\":0")]
    [TestCase("\"temperature\":0,\"logprobs\":true,\"top_logprobs\":3,\"max_tokens\":9")]
    [TestCase("\"temperature\":1.5,\"seed\":7,\"n\":3,\"max_tokens\":12,\"logprobs\":true,\"return_token_ids\":true")]
    [TestCase("\"temperature\":0,\"stop\":[\" of\"],\"return_token_ids\":true")]
    [TestCase("\"temperature\":0,\"skip_special_tokens\":false,\"ignore_eos\":true,\"max_tokens\":60")]
    public async Task Streamed_and_whole_answers_are_the_same(string fields)
    {
        JsonElement whole = await ChatAsync(fields);
        List<SseEvent> events = await Host.StreamAsync(Chat, "{" + River + "," + fields + ",\"stream\":true}");
        for (int i = 0; i < whole.GetProperty("choices").GetArrayLength(); i++)
        {
            Assert.That(StreamedChoice(events, i), Is.EqualTo(WholeChoice(whole, i)));
        }
    }

    [Test]
    public async Task Usage_comes_with_the_stream_when_asked_for()
    {
        JsonElement whole = await ChatAsync("\"temperature\":0,\"n\":2");
        List<SseEvent> events = await Host.StreamAsync(Chat, "{" + River + ",\"temperature\":0,\"n\":2,\"stream\":true,\"stream_options\":{\"include_usage\":true,\"continuous_usage_stats\":true}}");
        JsonElement last = events[^2].Data;
        Assert.Multiple(() =>
        {
            Assert.That(last.GetProperty("choices").GetArrayLength(), Is.Zero);
            Assert.That(last.TryGetProperty("system_fingerprint", out _));
            Assert.That(Used(last), Is.EqualTo(Used(whole)));
            Assert.That(Used(last, "prompt_tokens"), Is.EqualTo(Used(whole, "prompt_tokens")));
            int[] sofar = [.. events.Take(events.Count - 1).Select(static e => Used(e.Data))];
            Assert.That(sofar, Is.Ordered);
            Assert.That(sofar[0], Is.LessThan(sofar[^1]));
        });
    }

    [Test]
    public async Task Cached_tokens_of_a_repeated_prompt_are_told()
    {
        string words = string.Join(' ', Enumerable.Repeat("define the river and the bridge", 30));
        string body = "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"" + words + "\"}],\"max_tokens\":2,\"cache_salt\":\"SALT\"}";
        Assert.That(Cached(await Host.PostAsync(Chat, body)), Is.Zero);
        Assert.That(Cached(await Host.PostAsync(Chat, body)), Is.GreaterThan(0));
        Assert.That(Cached(await Host.PostAsync(Chat, body.Replace("SALT", "other", StringComparison.Ordinal))), Is.Zero, "another salt shares nothing");

        static int Cached(JsonElement response) => response.GetProperty("usage").GetProperty("prompt_tokens_details").GetProperty("cached_tokens").GetInt32();
    }

    [TestCase("max_tokens")]
    [TestCase("max_completion_tokens")]
    public async Task Length_is_bounded(string field)
    {
        JsonElement response = await ChatAsync($"\"temperature\":0,\"{field}\":3");
        Assert.That((Used(response), Finish(response)), Is.EqualTo((3, "length")));
    }

    [Test]
    public async Task Stop_string_ends_the_answer_before_it_and_is_named()
    {
        string all = Content(await ChatAsync("\"temperature\":0"));
        string stop = all.Substring(all.Length / 2, 5);
        JsonElement response = await ChatAsync($"\"temperature\":0,\"stop\":{JsonSerializer.Serialize(stop)}");
        Assert.That(Content(response), Is.EqualTo(all[..all.IndexOf(stop, StringComparison.Ordinal)]));
        Assert.That(response.GetProperty("choices")[0].GetProperty("stop_reason").GetString(), Is.EqualTo(stop));
        JsonElement with = await ChatAsync($"\"temperature\":0,\"include_stop_str_in_output\":true,\"stop\":[{JsonSerializer.Serialize(stop)}]");
        Assert.That(Content(with), Is.EqualTo(Content(response) + stop));
    }

    [Test]
    public async Task Stop_id_ends_the_answer_and_is_named()
    {
        JsonElement all = await ChatAsync("\"temperature\":0,\"return_token_ids\":true");
        int[] ids = Ids(all);
        int stop = ids[4];
        JsonElement response = await ChatAsync($"\"temperature\":0,\"return_token_ids\":true,\"stop_token_ids\":[{stop}]");
        Assert.That(Ids(response), Is.EqualTo(ids[..(Array.IndexOf(ids, stop) + 1)]));
        Assert.That(response.GetProperty("choices")[0].GetProperty("stop_reason").GetInt32(), Is.EqualTo(stop));
        Assert.That(response.GetProperty("prompt_token_ids").GetArrayLength(), Is.EqualTo(Used(response, "prompt_tokens")));
    }

    [Test]
    public async Task End_token_can_be_put_off_or_ignored()
    {
        int natural = Used(await ChatAsync("\"temperature\":0"));
        Assert.That(Used(await ChatAsync($"\"temperature\":0,\"min_tokens\":{natural + 4}")), Is.GreaterThanOrEqualTo(natural + 4));
        JsonElement ignored = await ChatAsync($"\"temperature\":0,\"ignore_eos\":true,\"max_tokens\":{natural + 7}");
        Assert.That((Used(ignored), Finish(ignored)), Is.EqualTo((natural + 7, "length")));
    }

    [Test]
    public async Task Tokens_can_be_forbidden_preferred_and_restricted()
    {
        int[] ids = Ids(await ChatAsync("\"temperature\":0,\"return_token_ids\":true"));
        int[] without = Ids(await ChatAsync($"\"temperature\":0,\"return_token_ids\":true,\"logit_bias\":{{\"{ids[0]}\":-100}}"));
        Assert.That(without[0], Is.Not.EqualTo(ids[0]));
        int[] with = Ids(await ChatAsync($"\"temperature\":0,\"return_token_ids\":true,\"max_tokens\":3,\"logit_bias\":{{\"{ids[2]}\":100}}"));
        Assert.That(with, Is.EqualTo((int[])[ids[2], ids[2], ids[2]]));
        int[] only = Ids(await ChatAsync($"\"temperature\":2,\"return_token_ids\":true,\"max_tokens\":4,\"allowed_token_ids\":[{ids[1]}]"));
        Assert.That(only, Is.EqualTo(Enumerable.Repeat(ids[1], 4)));
    }

    [Test]
    public async Task Seed_decides_all_samples()
    {
        string fields = "\"temperature\":2,\"seed\":11,\"n\":4,\"max_tokens\":12";
        string[] one = Contents(await ChatAsync(fields));
        Assert.That(Contents(await ChatAsync(fields)), Is.EqualTo(one));
        Assert.That(one.Distinct().Count(), Is.GreaterThan(1));
        Assert.That(Contents(await ChatAsync(fields.Replace("11", "-12", StringComparison.Ordinal))), Is.Not.EqualTo(one));

        static string[] Contents(JsonElement response) => [.. response.GetProperty("choices").EnumerateArray().Select(static c => c.GetProperty("message").GetProperty("content").GetString()!)];
    }

    [TestCase("\"temperature\":1e-40")]
    [TestCase("\"temperature\":0,\"max_tokens\":2147483647")]
    [TestCase("\"temperature\":0.001,\"top_p\":1e-300,\"logit_bias\":{\"5\":-100}")]
    public async Task Extreme_values_do_no_harm(string fields)
    {
        Assert.That(Content(await ChatAsync(fields)), Is.EqualTo(Content(await ChatAsync("\"temperature\":0"))));
    }

    [Test]
    public async Task Many_requests_at_once_get_what_each_gets_alone()
    {
        string[] bodies = [.. Enumerable.Range(0, 24).Select(i => $"\"seed\":{i},\"temperature\":1.2,\"max_tokens\":{5 + i},\"logprobs\":{(i % 2 == 0 ? "true" : "false")}")];
        JsonElement[] together = await Task.WhenAll(bodies.Select(ChatAsync));
        for (int i = 0; i < bodies.Length; i++)
        {
            Assert.That(WholeChoice(together[i], 0), Is.EqualTo(WholeChoice(await ChatAsync(bodies[i]), 0)));
        }
    }

    [TestCase("\"top_k\":1")]
    [TestCase("\"top_p\":0.0001")]
    [TestCase("\"min_p\":1")]
    public async Task Filters_leave_the_most_probable_token(string filter)
    {
        string greedy = Content(await ChatAsync("\"temperature\":0"));
        Assert.That(Content(await ChatAsync($"\"temperature\":2,\"seed\":3,{filter}")), Is.EqualTo(greedy));
    }

    [TestCase("\"repetition_penalty\":5")]
    [TestCase("\"presence_penalty\":2,\"frequency_penalty\":2")]
    public async Task Penalties_change_a_long_answer(string penalty)
    {
        string greedy = Content(await ChatAsync("\"temperature\":0,\"ignore_eos\":true,\"max_tokens\":60"));
        Assert.That(Content(await ChatAsync($"\"temperature\":0,\"ignore_eos\":true,\"max_tokens\":60,{penalty}")), Is.Not.EqualTo(greedy));
    }

    [Test]
    public async Task Logprobs_tell_every_token_and_its_alternatives()
    {
        JsonElement response = await ChatAsync("\"temperature\":0,\"logprobs\":true,\"top_logprobs\":4");
        JsonElement[] tokens = [.. response.GetProperty("choices")[0].GetProperty("logprobs").GetProperty("content").EnumerateArray()];
        Assert.Multiple(() =>
        {
            Assert.That(tokens, Has.Length.EqualTo(Used(response)));
            Assert.That(Shape(tokens[0]), Is.EqualTo("token,logprob,bytes,top_logprobs"));
            Assert.That(tokens.All(static t => t.GetProperty("top_logprobs").GetArrayLength() == 4));
            Assert.That(tokens.All(static t => t.GetProperty("logprob").GetDouble() <= 0));
            Assert.That(tokens.All(static t => t.GetProperty("top_logprobs")[0].GetProperty("logprob").GetDouble().Equals(t.GetProperty("logprob").GetDouble())), "greedy takes the best");
            byte[] bytes = [.. tokens.Take(tokens.Length - 1).SelectMany(static t => t.GetProperty("bytes").EnumerateArray()).Select(static b => b.GetByte())];
            Assert.That(System.Text.Encoding.UTF8.GetString(bytes), Is.EqualTo(Content(response)));
        });
        JsonElement spelled = await ChatAsync("\"temperature\":0,\"logprobs\":true,\"return_tokens_as_token_ids\":true,\"return_token_ids\":true,\"max_tokens\":2");
        Assert.That(
            spelled.GetProperty("choices")[0].GetProperty("logprobs").GetProperty("content")[0].GetProperty("token").GetString(),
            Is.EqualTo($"token_id:{Ids(spelled)[0]}"));
    }

    [Test]
    public async Task Prompt_logprobs_are_told_for_all_tokens_but_the_first()
    {
        JsonElement response = await ChatAsync("\"temperature\":0,\"max_tokens\":1,\"prompt_logprobs\":2");
        JsonElement[] tokens = [.. response.GetProperty("prompt_logprobs").EnumerateArray()];
        Assert.That(tokens, Has.Length.EqualTo(Used(response, "prompt_tokens")));
        Assert.That(tokens[0].ValueKind, Is.EqualTo(JsonValueKind.Null));
        Assert.That(tokens.Skip(1).All(static t => t.EnumerateObject().Count() is 2 or 3));
        Assert.That(Shape(tokens[1].EnumerateObject().First().Value), Does.StartWith("logprob").And.EndsWith("decoded_token"));
    }

    [Test]
    public async Task Content_parts_and_renamed_roles_say_the_same()
    {
        string one = Content(await Host.PostAsync(Chat, """{"model":"m","temperature":0,"messages":[{"role":"system","content":"ab"},{"role":"user","content":"define river"}]}"""));
        string other = Content(await Host.PostAsync(Chat, """{"model":"m","temperature":0,"messages":[{"role":"developer","content":"ab"},{"role":"user","content":[{"type":"text","text":"define "},{"type":"text","text":"river"}]}]}"""));
        Assert.That(other, Is.EqualTo(one));
    }

    [Test]
    public async Task Final_message_can_be_continued()
    {
        string all = Content(await ChatAsync("\"temperature\":0"));
        string begun = all[..(all.IndexOf(' ', 8) + 1)].TrimEnd();
        string messages = "{\"model\":\"m\",\"temperature\":0,\"continue_final_message\":true,\"messages\":[{\"role\":\"user\",\"content\":\"define river\"},{\"role\":\"assistant\",\"content\":" + JsonSerializer.Serialize(begun) + "}]}";
        Assert.That(begun + Content(await Host.PostAsync(Chat, messages)), Is.EqualTo(all));
    }

    [Test]
    public async Task Thinking_is_told_apart_unless_it_is_not_wanted()
    {
        string begun = "{\"model\":\"m\",\"temperature\":0,\"max_tokens\":8,\"continue_final_message\":true,\"messages\":[{\"role\":\"user\",\"content\":\"define river\"},{\"role\":\"assistant\",\"content\":\"<think>\"}]";
        JsonElement message = (await Host.PostAsync(Chat, begun + "}")).GetProperty("choices")[0].GetProperty("message");
        Assert.That(Shape(message), Is.EqualTo("role,content,reasoning_content,reasoning"));
        Assert.That(message.GetProperty("content").GetString(), Is.Empty);
        Assert.That(message.GetProperty("reasoning").GetString(), Is.EqualTo(message.GetProperty("reasoning_content").GetString()).And.Not.Empty);
        JsonElement without = (await Host.PostAsync(Chat, begun + ",\"include_reasoning\":false}")).GetProperty("choices")[0].GetProperty("message");
        Assert.That(without.GetRawText(), Is.EqualTo("""{"role":"assistant","content":""}"""));
        JsonElement mixed = (await Host.PostAsync(Chat, begun + ",\"separate_reasoning\":false}")).GetProperty("choices")[0].GetProperty("message");
        Assert.That(mixed.GetProperty("content").GetString()!.TrimStart(), Is.EqualTo(message.GetProperty("reasoning").GetString()));
        List<SseEvent> events = await Host.StreamAsync(Chat, begun + ",\"stream\":true}");
        Assert.That(StreamedChoice(events, 0).Reasoning, Is.EqualTo(message.GetProperty("reasoning").GetString()));
    }

    [Test]
    public async Task Request_id_becomes_the_responses_id()
    {
        Assert.That((await ChatAsync("\"max_tokens\":1,\"request_id\":\"abc-1\"")).GetProperty("id").GetString(), Is.EqualTo("chatcmpl-abc-1"));
    }

    [Test]
    public async Task Unknown_fields_are_ignored()
    {
        JsonElement response = await ChatAsync("\"temperature\":0,\"max_tokens\":2,\"something_new\":{\"a\":[1,2]}");
        Assert.That(Used(response), Is.EqualTo(2));
    }

    private static int[] Ids(JsonElement response) => [.. response.GetProperty("choices")[0].GetProperty("token_ids").EnumerateArray().Select(static i => i.GetInt32())];
}
