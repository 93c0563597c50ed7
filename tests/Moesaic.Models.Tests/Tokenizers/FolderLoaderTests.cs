using System.Text.Json;
using Moesaic.Models.ChatTemplates;
using Moesaic.Models.Checkpoints;
using Moesaic.Models.Tokenizers;
using Moesaic.TestSupport;

namespace Moesaic.Models.Tests.Tokenizers;

/// <summary>Folders without tokenizer.json give the same ids as their tokenizer.json would.</summary>
public sealed class FolderLoaderTests
{
    private string _folder = "";

    [SetUp]
    public void CreateFolder() => _folder = Directory.CreateTempSubdirectory("moesaic-tokenizer").FullName;

    [TearDown]
    public void DeleteFolder() => Directory.Delete(_folder, recursive: true);

    [TestCase("sp_bpe_llama2")]
    [TestCase("sp_unigram_t5")]
    public void Sentence_piece_models(string name)
    {
        File.Copy(TestPaths.TestData("tokenizers", name, "tokenizer.model"), Path.Combine(_folder, "tokenizer.model"));
        CheckAgainstJson(name);
    }

    [Test]
    public void Vocabulary_and_merges()
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(TestPaths.TestData("tokenizers", "byte_bpe_gpt2", "tokenizer.json")));
        JsonElement model = document.RootElement.GetProperty("model");
        Write("vocab.json", model.GetProperty("vocab").GetRawText());
        Write("merges.txt", "#version: 0.2\n" + string.Concat(model.GetProperty("merges").EnumerateArray().Select(pair => $"{pair[0].GetString()} {pair[1].GetString()}\n")));
        Write("tokenizer_config.json", """{"tokenizer_class":"GPT2Tokenizer","add_prefix_space":true,"eos_token":{"content":"<|endoftext|>"},"chat_template":[{"name":"default","template":"a"},{"name":"tool_use","template":"b"}]}""");
        CheckAgainstJson("byte_bpe_gpt2");
        Tokenizer tokenizer = TokenizerLoader.Load(_folder);
        Assert.That((tokenizer.EosId, tokenizer.SpecialTokens.Eos), Is.EqualTo(((int?)0, "<|endoftext|>")));
        Assert.That(ChatTemplateSource.InFolder(new ModelFolder(_folder))!.Pick(hasTools: true), Is.EqualTo("b"));
    }

    [Test]
    public void Word_list()
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(TestPaths.TestData("tokenizers", "wordpiece_bert", "tokenizer.json")));
        Write("vocab.txt", string.Concat(document.RootElement.GetProperty("model").GetProperty("vocab").EnumerateObject().OrderBy(entry => entry.Value.GetInt32()).Select(entry => entry.Name + "\n")));
        CheckAgainstJson("wordpiece_bert");
        List<ReferenceCase> cases = ReferenceCase.Load(TestPaths.TestData("tokenizers", "wordpiece_bert", "cases.jsonl"));
        Tokenizer tokenizer = TokenizerLoader.Load(_folder);
        Assert.That(cases.Select(c => tokenizer.Encode(c.Text, true)), Is.EqualTo(cases.Select(c => c.IdsSpecial)));
    }

    [Test]
    public void Bos_is_added_where_the_configuration_says_so()
    {
        File.Copy(TestPaths.TestData("tokenizers", "sp_bpe_llama2", "tokenizer.model"), Path.Combine(_folder, "tokenizer.model"));
        Write("tokenizer_config.json", """{"tokenizer_class":"LlamaTokenizer","add_bos_token":true,"add_eos_token":true,"bos_token":"<s>","eos_token":"</s>"}""");
        IReadOnlyList<int> ids = TokenizerLoader.Load(_folder).Encode("a", true);
        Assert.That((ids[0], ids[^1]), Is.EqualTo((1, 2)));
    }

    [Test]
    public void Says_what_is_missing()
    {
        Assert.That(() => TokenizerLoader.Load(_folder), Throws.InstanceOf<ModelFormatException>().With.Message.Contains("tokenizer.json"));
        Write("vocab.json", "{}");
        Write("merges.txt", "");
        Write("tokenizer_config.json", """{"tokenizer_class":"OtherTokenizer"}""");
        Assert.That(() => TokenizerLoader.Load(_folder), Throws.InstanceOf<ModelFormatException>().With.Message.Contains("OtherTokenizer"));
        Assert.That(() => TokenizerLoader.Load(Path.Combine(_folder, "none.json")), Throws.InstanceOf<ModelFormatException>());
    }

    private void CheckAgainstJson(string name)
    {
        Tokenizer tokenizer = TokenizerLoader.Load(_folder);
        List<string> wrong = [];
        foreach (ReferenceCase reference in ReferenceCase.Load(TestPaths.TestData("tokenizers", name, "cases.jsonl")))
        {
            IReadOnlyList<int> ids = tokenizer.Encode(reference.Text, false);
            if (!ids.SequenceEqual(reference.Ids) || tokenizer.Decode(ids, false) != reference.Decoded)
            {
                wrong.Add($"'{reference.Text}': {string.Join(' ', ids)} instead of {string.Join(' ', reference.Ids)}");
            }
        }

        Assert.That(wrong, Is.Empty);
    }

    private void Write(string name, string text) => File.WriteAllText(Path.Combine(_folder, name), text);
}
