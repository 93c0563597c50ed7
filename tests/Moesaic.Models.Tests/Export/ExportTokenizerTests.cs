using System.Globalization;
using Moesaic.Models.Checkpoints;
using Moesaic.Models.Checkpoints.Safetensors;
using Moesaic.Models.Export;
using Moesaic.Models.Families;
using Moesaic.Models.Tests.Tokenizers;
using Moesaic.Models.Tokenizers;
using Moesaic.TestSupport;

namespace Moesaic.Models.Tests.Export;

/// <summary>Tokenizers written to GGUF encode and decode the reference cases as before.</summary>
public sealed class ExportTokenizerTests
{
    private string _folder = "";

    [SetUp]
    public void CreateFolder() => _folder = Directory.CreateTempSubdirectory("tokenizer").FullName;

    [TearDown]
    public void DeleteFolder() => Directory.Delete(_folder, recursive: true);

    [TestCase("qwen3")]
    [TestCase("deepseek_v3")]
    [TestCase("gptoss")]
    [TestCase("small/byte_bpe_llama3")]
    [TestCase("llama2")]
    [TestCase("small/sp_bpe_llama2")]
    public void Encodings_are_the_references(string name)
    {
        string folder = TestPaths.Shared(["tokenizers", .. name.Split('/')]);
        Tokenizer found = TokenizerLoader.Load(Write(folder));
        Assert.That(found.Encode("", addSpecialTokens: true), Is.EqualTo(TokenizerLoader.Load(folder).Encode("", addSpecialTokens: true)));
        List<string> wrong = [];
        foreach (ReferenceCase reference in ReferenceCase.Load(Path.Combine(folder, "cases.jsonl")))
        {
            if (!found.Encode(reference.Text, false).SequenceEqual(reference.Ids) || !found.Encode(reference.Text, true).SequenceEqual(reference.IdsSpecial))
            {
                wrong.Add(reference.Text);
            }
        }

        Assert.That(wrong, Is.Empty);
    }

    /// <summary>Where the format follows SentencePiece and Hugging Face does not, on rare characters, ids may differ; elsewhere they are the same.</summary>
    [TestCase("sp_unigram_t5", 0.01)]
    [TestCase("sp_unigram_xlmr", 0.01)]
    [TestCase("wordpiece_bert", 0)]
    public void Encodings_are_the_folders(string name, double share)
    {
        string cases = TestPaths.Shared("tokenizers", "small", name), folder = Directory.CreateDirectory(Path.Combine(_folder, "edited")).FullName;

        File.WriteAllText(Path.Combine(folder, "tokenizer.json"), Sayable(File.ReadAllText(Path.Combine(cases, "tokenizer.json"))));
        Tokenizer original = TokenizerLoader.Load(folder), found = TokenizerLoader.Load(Write(folder));
        string[] texts = [.. ReferenceCase.Load(Path.Combine(cases, "cases.jsonl")).Select(c => c.Text)];
        string[] wrong = [.. texts.Where(text => !found.Encode(text, true).SequenceEqual(original.Encode(text, true)))];
        TestContext.Out.WriteLine($"{wrong.Length} of {texts.Length} differ:\n{string.Join('\n', wrong)}");
        Assert.That(wrong, Has.Length.LessThanOrEqualTo(share * texts.Length));
    }

    [Test]
    public void A_chat_template_goes_along()
    {
        string source = Source(TestPaths.TestData("tokenizers", "byte_bpe_llama3"));
        File.WriteAllText(Path.Combine(source, "chat_template.jinja"), "{{ messages[0].content }}!");
        string path = Path.Combine(_folder, "a.gguf");
        using (OpenedModel model = OpenedModel.Open(source))
        {
            GgufExporter.Write(model, path, new ExportOptions { Mix = QuantisationMix.All[1] });
        }

        using OpenedModel written = OpenedModel.Open(path);
        Assert.That(written.Gguf!.Metadata.GetString("tokenizer.chat_template"), Is.EqualTo("{{ messages[0].content }}!"));
    }

    [TestCase("byte_bpe_gpt2", "GGUF cannot say how this tokenizer works")]
    [TestCase("wordpiece_bert", "GGUF cannot say what token")]
    [TestCase("wordpiece_bert", "BERT's normalisation alone", "\"BertNormalizer\"", "\"Lowercase\"")]
    [TestCase("wordpiece_bert", "GGUF cannot say how this tokenizer works", "\"handle_chinese_chars\":true", "\"handle_chinese_chars\":false")]
    [TestCase("sp_unigram_t5", "GGUF has no name for this step", "\"Strip\"", "\"Nmt\"")]
    public void What_GGUF_cannot_say_is_refused(string name, string message, string? from = null, string? to = null)
    {
        string source = Source(TestPaths.TestData("tokenizers", name));
        if (from is not null)
        {
            string file = Path.Combine(source, "tokenizer.json"), text = File.ReadAllText(file);
            Assert.That(text, Does.Contain(from));
            File.WriteAllText(file, Sayable(text.Replace(from, to, StringComparison.Ordinal)));
        }

        using OpenedModel model = OpenedModel.Open(source);
        string path = Path.Combine(_folder, "a.gguf");
        Assert.That(() => GgufExporter.Write(model, path, new ExportOptions { Mix = QuantisationMix.All[1] }), Throws.InstanceOf<ModelFormatException>().With.Message.Contains(message));
        Assert.That(File.Exists(path), Is.False);
    }

    // The format cannot tell a continuation that is U+2581 from the beginning of a word.
    private static string Sayable(string json) => json.Replace("\"##\u2581\"", "\"##\uE000\"", StringComparison.Ordinal);

    private string Write(string tokenizer)
    {
        string path = Path.Combine(_folder, "model.gguf");
        using OpenedModel model = OpenedModel.Open(Source(tokenizer));
        ExportReport report = GgufExporter.Write(model, path, new ExportOptions { Mix = QuantisationMix.All.Single(m => m.Name == "f16") });
        Assert.That(report.HasTokenizer);
        return path;
    }

    // A Llama of one narrow layer with as many tokens as the tokenizer has, and 5 more.
    private string Source(string tokenizer)
    {
        string folder = Directory.CreateDirectory(Path.Combine(_folder, "source")).FullName;
        foreach (string file in Directory.GetFiles(tokenizer, "tokenizer*.json"))
        {
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        }

        int rows = TokenizerLoader.Load(folder).VocabularySize + 5;
        File.WriteAllText(Path.Combine(folder, "config.json"), string.Create(CultureInfo.InvariantCulture, $$"""
            {"architectures": ["LlamaForCausalLM"], "vocab_size": {{rows}}, "hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1,
             "max_position_embeddings": 64, "rms_norm_eps": 1e-5, "tie_word_embeddings": true}
            """));
        (string Name, long[] Shape)[] tensors =
        [
            ("model.embed_tokens.weight", [rows, 8]), ("model.norm.weight", [8]),
            .. new[] { "input_layernorm", "post_attention_layernorm" }.Select(n => ($"model.layers.0.{n}.weight", new long[] { 8 })),
            .. new[] { "self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj" }
                .Select(n => ($"model.layers.0.{n}.weight", new long[] { 8, 8 })),
        ];
        using SafetensorsWriter writer = new(Path.Combine(folder, "model.safetensors"), [.. tensors.Select(t => new SafetensorsTensorSpec(t.Name, ElementFormat.F16, t.Shape))]);
        foreach ((string name, long[] shape) in tensors)
        {
            writer.Write<Half>(name, new Half[shape.Aggregate((a, b) => a * b)]);
        }

        writer.Complete();
        return folder;
    }
}
