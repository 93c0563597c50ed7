using System.Net;
using System.Text.Json;

namespace Moesaic.Server.Tests.OpenAi;

/// <summary>/v1/models, /tokenize and /detokenize against a real host.</summary>
internal sealed class ModelAndTokenTests : OpenAiTests
{
    [Test]
    public async Task Models_are_listed_and_found_by_name()
    {
        JsonElement list = await Host.GetAsync("/v1/models");
        JsonElement model = list.GetProperty("data")[0];
        Assert.That(Shape(list), Is.EqualTo("object,data"));
        Assert.That(Shape(model), Is.EqualTo("id,object,created,owned_by,root,parent,max_model_len"));
        Assert.That((model.GetProperty("id").GetString(), model.GetProperty("max_model_len").GetInt32()), Is.EqualTo(("m", Host.Engine.MaxContext)));
        Assert.That((await Host.GetAsync("/v1/models/m")).GetRawText(), Is.EqualTo(model.GetRawText()));
        Assert.That(async () => await Host.GetAsync("/v1/models/other"), Throws.InstanceOf<HttpRequestException>().With.Property("StatusCode").EqualTo(HttpStatusCode.NotFound));
    }

    [Test]
    public async Task A_models_name_may_hold_a_slash()
    {
        await using OpenAiHost host = await OpenAiHost.StartAsync(change: static o => o with { Models = [new ModelSource("owner/model", null)] });
        foreach (string path in (string[])["owner/model", "owner%2Fmodel", "owner%2fmodel"])
        {
            Assert.That((await host.GetAsync("/v1/models/" + path)).GetProperty("id").GetString(), Is.EqualTo("owner/model"));
        }
    }

    [Test]
    public async Task Text_goes_to_tokens_and_back()
    {
        const string text = "define a river, élan 😀";
        JsonElement tokens = await Host.PostAsync("/tokenize", $"{{\"prompt\":{JsonSerializer.Serialize(text)},\"return_token_strs\":true}}");
        Assert.That(Shape(tokens), Is.EqualTo("count,max_model_len,tokens,token_strs"));
        int[] ids = [.. tokens.GetProperty("tokens").EnumerateArray().Select(static t => t.GetInt32())];
        Assert.That(ids, Is.EqualTo(Host.Runtime.Tokenizer.Encode(text, addSpecialTokens: true)));
        Assert.That((tokens.GetProperty("count").GetInt32(), tokens.GetProperty("token_strs").GetArrayLength()), Is.EqualTo((ids.Length, ids.Length)));
        JsonElement back = await Host.PostAsync("/detokenize", $"{{\"model\":\"m\",\"tokens\":[{string.Join(',', ids)}]}}");
        Assert.That(back.GetRawText(), Is.EqualTo(JsonSerializer.Serialize(new { prompt = text }, s_plain)));
    }

    [Test]
    public async Task Conversations_are_tokenized_as_they_are_answered()
    {
        int count = (await Host.PostAsync("/tokenize", "{" + River + "}")).GetProperty("count").GetInt32();
        Assert.That(count, Is.EqualTo(Used(await ChatAsync("\"max_tokens\":1"), "prompt_tokens")));
        int without = (await Host.PostAsync("/tokenize", "{" + River + ",\"add_generation_prompt\":false}")).GetProperty("count").GetInt32();
        Assert.That(without, Is.LessThan(count));
    }

    [Test]
    public async Task Bad_requests_are_named()
    {
        await Host.ExpectRefusalAsync("/tokenize", "{}", "missing_value", "prompt");
        await Host.ExpectRefusalAsync("/tokenize", "{\"prompt\":1}", "invalid_value", "prompt");
        await Host.ExpectRefusalAsync("/tokenize", "{\"prompt\":\"a\",\"messages\":[]}", "invalid_value", "messages");
        await Host.ExpectRefusalAsync("/detokenize", "{}", "missing_value", "tokens");
        await Host.ExpectRefusalAsync("/detokenize", "{\"tokens\":[-1]}", "invalid_value", "tokens[0]");
        await Host.ExpectRefusalAsync("/detokenize", "{\"tokens\":\"a\"}", "invalid_value", "tokens");
    }

    private static readonly JsonSerializerOptions s_plain = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
}
