using System.Net;
using System.Runtime.InteropServices;
using System.Text.Json;
using Moesaic.Engine;
using Moesaic.TestSupport;

namespace Moesaic.Server.Tests.OpenAi;

/// <summary>POST /v1/embeddings beside a model that generates: inputs, formats, usage, refusals.</summary>
internal sealed class EmbeddingTests
{
    private const string Path = "/v1/embeddings";

    private string _folder = "";
    private TestHost _host = null!;

    [OneTimeSetUp]
    public async Task Start()
    {
        _folder = SmallEncoder.Write(Directory.CreateTempSubdirectory("moesaic-test-").FullName);
        _host = await TestHost.StartAsync(TestHost.Options with { Models = [new ModelSource(TestHost.Model, null), new ModelSource("small", _folder)] });
    }

    [OneTimeTearDown]
    public async Task Stop()
    {
        await _host.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [TestCase("\"a river\"", 1, 4)]
    [TestCase("[\"a river\", \"Stones.\"]", 2, 9)]
    [TestCase("[1, 9, 4, 2]", 1, 4)]
    [TestCase("[[1, 9, 4, 2], [1, 5, 6, 11, 2]]", 2, 9)]
    public async Task Texts_and_ids_give_the_vectors_that_the_engine_gives(string input, int count, int tokens)
    {
        using EmbeddingModel model = EmbeddingModel.Load(_folder, TestHost.Options.Engine with { MaxContext = null });
        using EmbeddingRunner runner = model.CreateRunner();
        float[][] expected = runner.Embed([[1, 9, 4, 2], [1, 5, 6, 11, 2]])[..count];
        JsonElement floats = await OkAsync($"{{\"model\":\"small\",\"input\":{input},\"user\":\"u\"}}");
        JsonElement base64 = await OkAsync($"{{\"model\":\"small\",\"input\":{input},\"encoding_format\":\"base64\",\"dimensions\":32}}");
        Assert.That(floats.GetProperty("object").GetString(), Is.EqualTo("list"));
        Assert.That(floats.GetProperty("model").GetString(), Is.EqualTo("small"));
        Assert.That(floats.GetProperty("data").GetArrayLength(), Is.EqualTo(count));
        for (int i = 0; i < count; i++)
        {
            JsonElement item = floats.GetProperty("data")[i];
            Assert.That((item.GetProperty("object").GetString(), item.GetProperty("index").GetInt32()), Is.EqualTo(("embedding", i)));
            Assert.That(item.GetProperty("embedding").EnumerateArray().Select(v => v.GetSingle()), Is.EqualTo(expected[i]));
            byte[] bytes = base64.GetProperty("data")[i].GetProperty("embedding").GetBytesFromBase64();
            Assert.That(MemoryMarshal.Cast<byte, float>(bytes).ToArray(), Is.EqualTo(expected[i]));
        }

        Assert.That(floats.GetProperty("usage").GetProperty("prompt_tokens").GetInt32(), Is.EqualTo(tokens));
        Assert.That(floats.GetProperty("usage").GetProperty("total_tokens").GetInt32(), Is.EqualTo(tokens));
    }

    [TestCase("\"input\":\"\"", "invalid_value", "input")]
    [TestCase("\"input\":[]", "invalid_value", "input")]
    [TestCase("\"input\":{}", "invalid_value", "input")]
    [TestCase("\"input\":[\"a\",\"\"]", "invalid_value", "input[1]")]
    [TestCase("\"input\":[\"a\",{}]", "invalid_value", "input[1]")]
    [TestCase("\"input\":[1,99]", "invalid_value", "input[1]")]
    [TestCase("\"input\":[[1],[]]", "invalid_value", "input[1]")]
    [TestCase("\"input\":\"a\",\"encoding_format\":\"hex\"", "invalid_value", "encoding_format")]
    [TestCase("\"input\":\"a\",\"dimensions\":16", "not_supported", "dimensions")]
    [TestCase("\"input\":\"a\",\"dimensions\":0", "invalid_value", "dimensions")]
    [TestCase("\"x\":1", "missing_value", "input")]
    public async Task What_cannot_be_embedded_names_its_field(string fields, string code, string param)
    {
        JsonElement error = await RefusedAsync(HttpStatusCode.BadRequest, Path, $"{{\"model\":\"small\",{fields}}}");
        Assert.That((error.GetProperty("code").GetString(), error.GetProperty("param").GetString()), Is.EqualTo((code, param)));
    }

    [Test]
    public async Task Long_and_many_texts_are_refused()
    {
        string ids = string.Join(',', Enumerable.Repeat(4, SmallEncoder.MaxContext + 1));
        JsonElement error = await RefusedAsync(HttpStatusCode.BadRequest, Path, $"{{\"model\":\"small\",\"input\":[[1],[{ids}]]}}");
        Assert.That((error.GetProperty("code").GetString(), error.GetProperty("param").GetString()), Is.EqualTo(("context_length_exceeded", "input[1]")));
        string text = string.Join(' ', Enumerable.Repeat("a", 30));
        error = await RefusedAsync(HttpStatusCode.BadRequest, Path, $"{{\"model\":\"small\",\"input\":\"{text}\"}}");
        Assert.That((error.GetProperty("code").GetString(), error.GetProperty("param").GetString()), Is.EqualTo(("context_length_exceeded", "input")));
        Assert.That(error.GetProperty("message").GetString(), Is.EqualTo("input: it has 32 tokens, special tokens included; the model takes at most 24"));
        string many = string.Join(',', Enumerable.Repeat("\"a\"", 2049));
        error = await RefusedAsync(HttpStatusCode.BadRequest, Path, $"{{\"model\":\"small\",\"input\":[{many}]}}");
        Assert.That(error.GetProperty("param").GetString(), Is.EqualTo("input"));
    }

    [Test]
    public async Task Each_kind_of_model_refuses_what_the_other_does()
    {
        JsonElement error = await RefusedAsync(HttpStatusCode.BadRequest, Path, "{\"model\":\"ling\",\"input\":\"a\"}");
        Assert.That(error.GetProperty("message").GetString(), Does.Contain("generates text and makes no embeddings"));
        error = await RefusedAsync(HttpStatusCode.BadRequest, "/v1/completions", "{\"model\":\"small\",\"prompt\":\"a\"}");
        Assert.That(error.GetProperty("message").GetString(), Does.Contain("is an encoder"));
        error = await RefusedAsync(HttpStatusCode.NotFound, Path, "{\"model\":\"none\",\"input\":\"a\"}");
        Assert.That(error.GetProperty("message").GetString(), Does.Contain("ling, small"));
    }

    [Test]
    public async Task Encoders_are_listed_and_counted()
    {
        await OkAsync("{\"input\":[\"a river\"]}");
        using JsonDocument list = JsonDocument.Parse(await _host.Client.GetStringAsync("/v1/models"));
        Assert.That(list.RootElement.GetProperty("data").EnumerateArray().Select(m => m.GetProperty("id").GetString()), Is.EqualTo(new[] { "ling", "small" }));
        using JsonDocument one = JsonDocument.Parse(await _host.Client.GetStringAsync("/v1/models/small"));
        Assert.That(one.RootElement.GetProperty("max_model_len").GetInt32(), Is.EqualTo(SmallEncoder.MaxContext));
        Assert.That(await _host.Client.GetStringAsync("/metrics"), Does.Match("moesaic:embedding_texts_total\\{model_name=\"small\"\\} [1-9]"));
    }

    private async Task<JsonElement> OkAsync(string body)
    {
        using HttpResponseMessage response = await _host.PostAsync(Path, body);
        string text = await response.Content.ReadAsStringAsync();
        Assert.That(response.StatusCode, Is.EqualTo(HttpStatusCode.OK), text);
        return JsonDocument.Parse(text).RootElement;
    }

    private async Task<JsonElement> RefusedAsync(HttpStatusCode status, string path, string body)
    {
        using HttpResponseMessage response = await _host.PostAsync(path, body);
        string text = await response.Content.ReadAsStringAsync();
        Assert.That(response.StatusCode, Is.EqualTo(status), text);
        return JsonDocument.Parse(text).RootElement.GetProperty("error");
    }
}
