using System.Text;
using Moesaic.Models.Tokenizers;
using Moesaic.TestSupport;

namespace Moesaic.Models.Tests.Tokenizers;

/// <summary>Encodings and decodings identical to those of Hugging Face tokenizers.</summary>
[Parallelizable(ParallelScope.Children)]
public sealed class ReferenceSetTests
{
    [TestCase("qwen3")]
    [TestCase("deepseek_v3")]
    [TestCase("gptoss")]
    [TestCase("llama2")]
    [TestCase("small/byte_bpe_gpt2")]
    [TestCase("small/byte_bpe_llama3")]
    [TestCase("small/sp_bpe_llama2")]
    [TestCase("small/sp_unigram_t5")]
    [TestCase("small/sp_unigram_xlmr")]
    [TestCase("small/wordpiece_bert")]
    public void Full_reference_sets(string name)
    {
        string folder = TestPaths.Shared(["tokenizers", .. name.Split('/')]);
        Check(TokenizerLoader.Load(Path.Combine(folder, "tokenizer.json")), ReferenceCase.Load(Path.Combine(folder, "cases.jsonl")));
    }

    [TestCase("byte_bpe_gpt2")]
    [TestCase("byte_bpe_llama3")]
    [TestCase("sp_bpe_llama2")]
    [TestCase("sp_unigram_t5")]
    [TestCase("wordpiece_bert")]
    public void Core_sets_in_the_repository(string name)
    {
        string folder = TestPaths.TestData("tokenizers", name);
        Check(TokenizerLoader.Load(folder), ReferenceCase.Load(Path.Combine(folder, "cases.jsonl")));
    }

    internal static void Check(Tokenizer tokenizer, List<ReferenceCase> cases)
    {
        List<string> wrong = [];
        foreach (ReferenceCase reference in cases)
        {
            IReadOnlyList<int> ids = tokenizer.Encode(reference.Text, false);
            if (!ids.SequenceEqual(reference.Ids))
            {
                wrong.Add($"ids of {Show(reference.Text)}: {string.Join(' ', ids)} instead of {string.Join(' ', reference.Ids)}");
            }

            if (!tokenizer.Encode(reference.Text, true).SequenceEqual(reference.IdsSpecial))
            {
                wrong.Add($"ids with special tokens of {Show(reference.Text)}");
            }

            CheckDecoding(tokenizer, reference.Ids, false, reference.Decoded, wrong);
            CheckDecoding(tokenizer, reference.IdsSpecial, true, reference.DecodedSkip, wrong);
        }

        Assert.That(wrong, Is.Empty, () => $"{wrong.Count} differences in {cases.Count} cases");
        Assert.That(cases, Is.Not.Empty);
    }

    private static void CheckDecoding(Tokenizer tokenizer, int[] ids, bool skip, string expected, List<string> wrong)
    {
        string whole = tokenizer.Decode(ids, skip);
        if (whole != expected)
        {
            wrong.Add($"decoded {Show(whole)} instead of {Show(expected)}");
        }

        StreamingDecoder decoder = tokenizer.CreateStreamingDecoder(skip);
        StringBuilder streamed = new();
        foreach (int id in ids)
        {
            string piece = decoder.Append(id);
            if (piece.Length > 0 && char.IsHighSurrogate(piece[^1]))
            {
                wrong.Add($"half a character in {Show(piece)}");
            }

            streamed.Append(piece);
        }

        streamed.Append(decoder.Flush());
        if (streamed.ToString() != expected)
        {
            wrong.Add($"streamed {Show(streamed.ToString())} instead of {Show(expected)}");
        }
    }

    private static string Show(string text)
    {
        StringBuilder shown = new("\"");
        foreach (char c in text.Length > 200 ? text[..200] : text)
        {
            shown.Append(c is >= ' ' and < (char)127 ? c.ToString() : $"\\u{(int)c:X4}");
        }

        return shown.Append('"').ToString();
    }
}
