using System.Text.Json;
using Moesaic.Models.Tokenizers;
using Moesaic.TestSupport;

namespace Moesaic.Models.Tests.Tokenizers;

/// <summary>Tokenizers inside GGUF files.</summary>
public sealed class GgufTokenizerTests
{
    [TestCase("bert-bge")]
    [TestCase("deepseek-coder")]
    [TestCase("gpt-2")]
    [TestCase("llama-spm")]
    [TestCase("phi-3")]
    public void Encodes_llama_cpp_s_own_test_inputs_alike(string name)
    {
        string path = TestPaths.Shared("tokenizers", "gguf", name + ".gguf");
        Tokenizer tokenizer = TokenizerLoader.Load(path);

        // Every case ends with the separator, the last one too.
        string[] inputs = File.ReadAllText(path + ".inp").Split("\n__ggml_vocab_test__\n")[..^1];
        string[] outputs = File.ReadAllLines(path + ".out");
        Assert.That(outputs, Has.Length.EqualTo(inputs.Length));
        List<string> wrong = [];
        for (int i = 0; i < inputs.Length; i++)
        {
            int[] expected = [.. outputs[i].Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(int.Parse)];
            IReadOnlyList<int> ids = tokenizer.Encode(inputs[i], false);
            if (!ids.SequenceEqual(expected))
            {
                wrong.Add($"'{inputs[i]}': {string.Join(' ', ids)} instead of {string.Join(' ', expected)}");
            }
        }

        Assert.That(wrong, Is.Empty);
    }

    [TestCase("SmolLM2-135M-Instruct", "SmolLM2-135M-Instruct.Q4_1.gguf")]
    [TestCase("ling-wordnet-16m", "ling-wordnet-16m.Q8_0.gguf")]
    public void Encodes_and_decodes_the_real_models_references(string name, string file)
    {
        Tokenizer tokenizer = TokenizerLoader.Load(TestPaths.Shared("models", file));
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(TestPaths.Shared("models", name + ".reference.json")));
        int checkedCount = 0;
        foreach (JsonElement generation in document.RootElement.GetProperty("generations").EnumerateArray())
        {
            int[] promptIds = Ids(generation, "prompt_ids");
            string prompt = generation.TryGetProperty("rendered", out JsonElement rendered)
                ? rendered.GetString()!
                : $"<role>HUMAN</role>{generation.GetProperty("prompt").GetString()}<|role_end|><role>ASSISTANT</role>";
            Assert.That(tokenizer.Encode(prompt, true), Is.EqualTo(promptIds), prompt);
            string text = generation.GetProperty("greedy_text").GetString()!;
            int[] greedy = Ids(generation, "greedy_ids");
            Assert.That(tokenizer.Decode(greedy, false), Does.StartWith(text).Or.EqualTo(text));
            checkedCount++;
        }

        Assert.That(checkedCount, Is.Positive);
    }

    [TestCase("ling")]
    [TestCase("llama")]
    [TestCase("qwen3")]
    [TestCase("gemma3")]
    public void Loads_the_fixtures_tokenizers(string name)
    {
        Tokenizer tokenizer = TokenizerLoader.Load(TestPaths.Shared("fixtures_gguf", name + ".gguf"));
        const string Text = "Hello, w\u00F6rld! \U0001F600 123";
        Assert.That(tokenizer.Decode(tokenizer.Encode(Text, false), true), Is.EqualTo(Text));
        Assert.That(tokenizer.VocabularySize, Is.EqualTo(512));
        Assert.That((tokenizer.BosId, tokenizer.EosId, tokenizer.PaddingId), Is.EqualTo(((int?)1, (int?)2, (int?)0)));
    }

    private static int[] Ids(JsonElement parent, string name) => [.. parent.GetProperty(name).EnumerateArray().Select(id => id.GetInt32())];
}
