using System.Net;
using System.Text;
using System.Text.Json;

namespace Moesaic.Server.Tests.OpenAi;

/// <summary>What requests may not say, and which field the refusal names.</summary>
internal sealed class RefusalTests : OpenAiTests
{
    private const string Tool = """{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}}}}""";

    // What both protocols of completions refuse alike.
    private static readonly (string Fields, string Code, string? Param)[] Common =
    [
        ("\"temperature\":-0.1", "invalid_value", "temperature"),
        ("\"temperature\":2.1", "invalid_value", "temperature"),
        ("\"temperature\":\"0\"", "invalid_value", "temperature"),
        ("\"temperature\":1e400", "invalid_value", "temperature"),
        ("\"temperature\":NaN", "invalid_json", null),
        ("\"top_p\":0", "invalid_value", "top_p"),
        ("\"top_p\":1.01", "invalid_value", "top_p"),
        ("\"top_k\":-2", "invalid_value", "top_k"),
        ("\"top_k\":1.5", "invalid_value", "top_k"),
        ("\"min_p\":1.5", "invalid_value", "min_p"),
        ("\"repetition_penalty\":0", "invalid_value", "repetition_penalty"),
        ("\"presence_penalty\":-2.5", "invalid_value", "presence_penalty"),
        ("\"frequency_penalty\":3", "invalid_value", "frequency_penalty"),
        ("\"n\":0", "invalid_value", "n"),
        ("\"n\":129", "invalid_value", "n"),
        ("\"n\":100", "invalid_value", "n"),
        ("\"n\":true", "invalid_value", "n"),
        ("\"seed\":\"x\"", "invalid_value", "seed"),
        ("\"seed\":9223372036854775808", "invalid_value", "seed"),
        ("\"max_tokens\":-1", "invalid_value", "max_tokens"),
        ("\"max_tokens\":4,\"max_completion_tokens\":4", "invalid_value", null),
        ("\"max_tokens\":4,\"min_tokens\":5", "invalid_value", "min_tokens"),
        ("\"stop\":\"\"", "invalid_value", "stop"),
        ("\"stop\":[\"a\",\"\"]", "invalid_value", "stop[1]"),
        ("\"stop\":[\"a\",1]", "invalid_value", "stop[1]"),
        ("\"stop\":{}", "invalid_value", "stop"),
        ("\"stop\":\"\\ud800\"", "invalid_json", null),
        ("\"stop_token_ids\":[1,-1]", "invalid_value", "stop_token_ids[1]"),
        ("\"stop_token_ids\":[1000000]", "invalid_value", "stop_token_ids[0]"),
        ("\"logit_bias\":{\"1\":101}", "invalid_value", "logit_bias.1"),
        ("\"logit_bias\":{\"river\":1}", "invalid_value", "logit_bias.river"),
        ("\"logit_bias\":{\"1000000\":1}", "invalid_value", "logit_bias.1000000"),
        ("\"logit_bias\":[1]", "invalid_value", "logit_bias"),
        ("\"allowed_token_ids\":[]", "invalid_value", "allowed_token_ids"),
        ("\"prompt_logprobs\":21", "invalid_value", "prompt_logprobs"),
        ("\"stream\":1", "invalid_value", "stream"),
        ("\"stream_options\":{\"include_usage\":true}", "invalid_value", "stream_options"),
        ("\"stream\":true,\"stream_options\":{\"include_usage\":1}", "invalid_value", "stream_options.include_usage"),
        ("\"priority\":1e30", "invalid_value", "priority"),
        ("\"cache_salt\":5", "invalid_value", "cache_salt"),
        ("\"request_id\":\"a\\nb\"", "invalid_value", "request_id"),
        ("\"response_format\":{\"type\":\"json_object\"}", "not_supported", "response_format"),
        ("\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{}}", "not_supported", "response_format"),
        ("\"structured_outputs\":{\"json\":{}}", "not_supported", "structured_outputs"),
        ("\"guided_json\":{}", "not_supported", "guided_json"),
        ("\"use_beam_search\":true", "not_supported", "use_beam_search"),
        ("\"store\":true", "not_supported", "store"),
        ("\"bad_words\":[\"a\",\" \"]", "invalid_value", "bad_words[1]"),
        ("\"kv_transfer_params\":{}", "not_supported", "kv_transfer_params"),
        ("\"vllm_xargs\":{}", "not_supported", "vllm_xargs"),
        ("\"temperature\":1,\"temperature\":1", "invalid_json", null),
        ("\"user\":5", "invalid_value", "user"),
        ("\"service_tier\":{}", "invalid_value", "service_tier"),
        ("\"prompt_cache_key\":[\"a\"]", "invalid_value", "prompt_cache_key"),
        ("\"metadata\":\"a\"", "invalid_value", "metadata"),
        ("\"spaces_between_special_tokens\":1", "invalid_value", "spaces_between_special_tokens"),
    ];

    private static readonly (string Fields, string Code, string? Param)[] OfChat =
    [
        ("\"max_tokens\":0", "invalid_value", "max_tokens"),
        ("\"logprobs\":1", "invalid_value", "logprobs"),
        ("\"top_logprobs\":2", "invalid_value", "top_logprobs"),
        ("\"logprobs\":true,\"top_logprobs\":21", "invalid_value", "top_logprobs"),
        ("\"tool_choice\":\"required\",\"tools\":[" + Tool + "]", "not_supported", "tool_choice"),
        ("\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":\"f\"}},\"tools\":[" + Tool + "]", "not_supported", "tool_choice"),
        ("\"tool_choice\":\"auto\"", "invalid_value", "tool_choice"),
        ("\"tool_choice\":\"maybe\"", "invalid_value", "tool_choice"),
        ("\"tools\":[{\"type\":\"web_search\"}]", "not_supported", "tools[0].type"),
        ("\"tools\":[{\"type\":\"function\",\"function\":{}}]", "missing_value", "tools[0].function.name"),
        ("\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"strict\":true}}]", "not_supported", "tools[0].function.strict"),
        ("\"tools\":[" + Tool + "]", "not_supported", "tools"),
        ("\"functions\":[]", "not_supported", "functions"),
        ("\"chat_template\":\"{{ 1 }}\"", "not_supported", "chat_template"),
        ("\"chat_template_kwargs\":{\"messages\":[]}", "invalid_value", "chat_template_kwargs.messages"),
        ("\"chat_template_kwargs\":{\"enable_thinking\":1}", "invalid_value", "chat_template_kwargs.enable_thinking"),
        ("\"add_generation_prompt\":true,\"continue_final_message\":true", "invalid_value", "add_generation_prompt"),
        ("\"modalities\":[\"text\",\"audio\"]", "not_supported", "modalities"),
        ("\"audio\":{}", "not_supported", "audio"),
        ("\"prediction\":{}", "not_supported", "prediction"),
        ("\"web_search_options\":{}", "not_supported", "web_search_options"),
        ("\"thinking_token_budget\":5", "not_supported", "thinking_token_budget"),
        ("\"reasoning_effort\":\"extreme\"", "invalid_value", "reasoning_effort"),
    ];

    private static readonly (string Messages, string Code, string? Param)[] BadMessages =
    [
        ("[]", "invalid_value", "messages"),
        ("\"hello\"", "invalid_value", "messages"),
        ("[1]", "invalid_value", "messages[0]"),
        ("[{}]", "missing_value", "messages[0].role"),
        ("[{\"role\":\"king\",\"content\":\"a\"}]", "invalid_value", "messages[0].role"),
        ("[{\"role\":\"function\",\"content\":\"a\"}]", "not_supported", "messages[0].role"),
        ("[{\"role\":\"user\"}]", "missing_value", "messages[0].content"),
        ("[{\"role\":\"user\",\"content\":null}]", "missing_value", "messages[0].content"),
        ("[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"user\",\"content\":5}]", "invalid_value", "messages[1].content"),
        ("[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{}}]}]", "not_supported", "messages[0].content[0].type"),
        ("[{\"role\":\"user\",\"content\":[{\"type\":\"text\"}]}]", "missing_value", "messages[0].content[0].text"),
        ("[{\"role\":\"tool\",\"content\":\"a\"}]", "missing_value", "messages[0].tool_call_id"),
        ("[{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"1\",\"function\":{\"name\":\"f\",\"arguments\":\"[1]\"}}]}]", "invalid_value", "messages[0].tool_calls[0].function.arguments"),
        ("[{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"1\",\"function\":{\"name\":\"f\",\"arguments\":\"{\"}}]}]", "invalid_value", "messages[0].tool_calls[0].function.arguments"),
    ];

    private static readonly (string Fields, string Code, string? Param)[] OfCompletions =
    [
        ("\"prompt\":\"a\",\"suffix\":\"b\"", "not_supported", "suffix"),
        ("\"prompt\":\"a\",\"best_of\":2", "not_supported", "best_of"),
        ("\"prompt\":\"a\",\"logprobs\":true", "invalid_value", "logprobs"),
        ("\"prompt\":\"a\",\"logprobs\":21", "invalid_value", "logprobs"),
        ("\"prompt\":[]", "invalid_value", "prompt"),
        ("\"prompt\":[[]]", "invalid_value", "prompt[0]"),
        ("\"prompt\":[1,\"a\"]", "invalid_value", "prompt[1]"),
        ("\"prompt\":[\"a\",1]", "invalid_value", "prompt[1]"),
        ("\"prompt\":[1,-1]", "invalid_value", "prompt[1]"),
        ("\"prompt\":[100000000]", "invalid_value", "prompt[0]"),
        ("\"prompt\":{}", "invalid_value", "prompt"),
        ("\"prompt\":null", "missing_value", "prompt"),
    ];

    [Test]
    public async Task Each_impossible_field_is_named()
    {
        foreach ((string fields, string code, string? param) in Common)
        {
            // Which of two names for the same thing is meant differs.
            string? named = param ?? (code == "invalid_value" ? "max_tokens" : null);
            await Host.ExpectRefusalAsync(Chat, "{" + River + "," + fields + "}", code, named);
            string? other = param ?? (code == "invalid_value" ? "max_completion_tokens" : null);
            await Host.ExpectRefusalAsync(Completions, "{" + RiverPrompt + "," + fields + "}", code, other);
        }

        foreach ((string fields, string code, string? param) in OfChat)
        {
            await Host.ExpectRefusalAsync(Chat, "{" + River + "," + fields + "}", code, param);
        }

        foreach ((string messages, string code, string? param) in BadMessages)
        {
            await Host.ExpectRefusalAsync(Chat, "{\"model\":\"m\",\"messages\":" + messages + "}", code, param);
        }

        foreach ((string fields, string code, string? param) in OfCompletions)
        {
            await Host.ExpectRefusalAsync(Completions, "{\"model\":\"m\"," + fields + "}", code, param);
        }
    }

    [Test]
    public async Task Fields_that_ask_for_nothing_pass()
    {
        await ChatAsync("""
            "max_tokens":1,"store":false,"response_format":{"type":"text"},"use_beam_search":false,"tool_choice":"none","tools":[],"structured_outputs":null,
            "modalities":["text"],"user":"u","metadata":{"a":"b"},"service_tier":"auto","stop":null,"stream":false,"top_k":-1,"logit_bias":{},"parallel_tool_calls":true
            """);
        await Host.PostAsync(Completions, "{\"prompt\":\"a model need not be named\",\"max_tokens\":1}");
        await CompleteAsync("\"max_tokens\":1,\"best_of\":1,\"suffix\":null,\"echo\":false,\"user\":\"u\"");
    }

    [TestCase("/tokenize", "\"prompt\":\"a\"")]
    [TestCase(Chat, "\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]")]
    [TestCase(Completions, "\"prompt\":\"a\"")]
    [TestCase("/v1/responses", "\"input\":\"a\"")]
    [TestCase("/v1/embeddings", "\"input\":\"a\"")]
    public async Task Model_must_be_known(string path, string fields)
    {
        await Host.ExpectRefusalAsync(path, "{\"model\":\"other\"," + fields + "}", "model_not_found", "model", 404);
        await Host.ExpectRefusalAsync(path, "{\"model\":7," + fields + "}", "invalid_value", "model");
    }

    [Test]
    public async Task Prompts_longer_than_the_context_are_refused()
    {
        string ids = string.Join(',', Enumerable.Repeat("5", Host.Engine.MaxContext + 1));
        (HttpStatusCode status, JsonElement body) = await Host.TryPostAsync(Completions, $"{{\"model\":\"m\",\"prompt\":[{ids}]}}");
        Assert.That((status, body.GetProperty("error").GetProperty("code").GetString()), Is.EqualTo((HttpStatusCode.BadRequest, "context_length_exceeded")));
    }

    [Test]
    public async Task Embeddings_say_that_there_is_no_encoder()
    {
        await Host.ExpectRefusalAsync("/v1/embeddings", "{\"model\":\"m\",\"input\":\"a\"}", "not_supported", "model");
    }

    [Test]
    public async Task A_refused_prompt_of_a_batch_refuses_all_and_runs_none()
    {
        long accepted = Host.Engine.Statistics().GeneratedTokens;
        string ids = string.Join(',', Enumerable.Repeat("5", Host.Engine.MaxContext + 1));
        StringBuilder body = new("{\"model\":\"m\",\"max_tokens\":50,\"prompt\":[[5,6,7],[" + ids + "]]}");
        (HttpStatusCode status, _) = await Host.TryPostAsync(Completions, body.ToString());
        Assert.That(status, Is.EqualTo(HttpStatusCode.BadRequest));
        Assert.That(Host.Engine.Statistics().GeneratedTokens - accepted, Is.LessThan(50));
    }
}
