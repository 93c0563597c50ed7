using System.Diagnostics;
using Moesaic.Models.Checkpoints.Gguf;
using Moesaic.Models.Tests.Checkpoints.Gguf;
using Moesaic.Models.Tokenizers;
using Moesaic.Models.Tokenizers.Files;
using Moesaic.Models.Tokenizers.Patterns;
using Moesaic.Models.Tokenizers.SentencePiece;
using Moesaic.TestSupport;
using Moesaic.TestSupport.Fuzz;

namespace Moesaic.Models.Tests.Tokenizers;

/// <summary>Damaged tokenizer files either load and encode, or are refused with the one documented exception.</summary>
public sealed class TokenizerFuzzTests
{
    private const int Mutants = 20_000;
    private const string Small = """
        {"version":"1.0","added_tokens":[{"id":3,"content":"<s>","single_word":false,"lstrip":true,"rstrip":false,"normalized":false,"special":true}],
        "normalizer":{"type":"Sequence","normalizers":[{"type":"NFC"},{"type":"Replace","pattern":{"Regex":" {2,}"},"content":" "},{"type":"BertNormalizer","clean_text":true}]},
        "pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"Split","pattern":{"Regex":"(?i:'s)|\\p{L}+|[^\\s]++|\\s+(?!\\S)"},"behavior":"Isolated","invert":false},{"type":"ByteLevel","add_prefix_space":true,"use_regex":true}]},
        "post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>","type_id":0}},{"Sequence":{"id":"A","type_id":0}}],"special_tokens":{"<s>":{"id":"<s>","ids":[3],"tokens":["<s>"]}}},
        "decoder":{"type":"Sequence","decoders":[{"type":"ByteFallback"},{"type":"Fuse"},{"type":"Strip","content":" ","start":1,"stop":0}]},
        "model":{"type":"BPE","unk_token":"a","fuse_unk":true,"byte_fallback":true,"vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]}}
        """;

    [Test]
    public void Tokenizer_json()
    {
        Mutator mutator = new(1, "\"type\":\"Unigram\"", "\"WordPiece\"", "null", "[", "]", "1e999", "-1", "\"Metaspace\"", "\\ud800", "(?<=", "{1000}", "*+");
        byte[] seed = System.Text.Encoding.UTF8.GetBytes(Small);
        byte[] real = File.ReadAllBytes(TestPaths.TestData("tokenizers", "byte_bpe_llama3", "tokenizer.json"));
        Run(Mutants, i => i % 100 == 0 ? mutator.Mutate(real, seed) : mutator.Mutate(seed), bytes => new Tokenizer(TokenizerJsonReader.Read("mutant", bytes)));
    }

    [Test]
    public void Sentence_piece_model()
    {
        Mutator mutator = new(2);
        byte[] seed = File.ReadAllBytes(TestPaths.TestData("tokenizers", "sp_bpe_llama2", "tokenizer.model"));
        byte[] head = seed[..400], tail = seed[^200..];
        Run(Mutants, i => i % 50 == 0 ? mutator.Mutate(seed) : [.. mutator.Mutate(head), .. mutator.Mutate(tail)], bytes => new Tokenizer(SentencePieceBuilder.Build(SentencePieceFile.Parse("mutant", bytes))));
    }

    [Test]
    public void Gguf_metadata()
    {
        string[] words = ["tokenizer.ggml.model", "tokenizer.ggml.pre", "tokenizer.ggml.scores", "tokenizer.ggml.token_type", "tokenizer.ggml.unknown_token_id", "gpt2", "llama", "bert", "t5", "default", "llama-bpe", "\u2581", "<0x41>", "\u0008\0\0\0", "\u0005\0\0\0"];
        Mutator mutator = new(4, words);
        byte[][] seeds =
        [
            GgufSeed("gpt2", "llama-bpe", ["a", "b", "ab", "\u0120", "<s>"], ["a b"]),
            GgufSeed("gpt2", "default", ["h", "e", "he", "l", "<s>"], ["h e"]),
            GgufSeed("llama", null, ["<unk>", "<s>", "\u2581a", "<0x41>", "b"], null),
            GgufSeed("bert", null, ["[UNK]", "[CLS]", "[SEP]", "\u2581a", "b"], null),
            GgufSeed("t5", null, ["<pad>", "</s>", "<unk>", "\u2581", "a"], null),
        ];
        byte[] real = File.ReadAllBytes(TestPaths.TestData("fixtures", "ling", "model.gguf")).AsSpan(0, 48 << 10).ToArray();
        real.AsSpan(8, 8).Clear();
        Run(Mutants, i => i % 50 == 0 ? mutator.Mutate(real) : mutator.Mutate(seeds[i % seeds.Length], seeds[mutator.Next(seeds.Length)]), bytes =>
        {
            using GgufFile file = GgufFile.Parse(new MemoryStream(bytes), "mutant.gguf");
            return TokenizerLoader.FromGguf(file.Metadata);
        });
    }

    [Test]
    public void Rules_that_multiply_a_text_again_and_again_are_refused()
    {
        string ten = """{"type":"Replace","pattern":{"String":"a"},"content":"aaaaaaaaaa"}""";
        string each = """{"type":"Replace","pattern":{"Regex":""},"content":"aa"}""";
        foreach (string rule in (ReadOnlySpan<string>)[ten, each])
        {
            string json = Small.Replace("""{"type":"NFC"}""", string.Join(',', Enumerable.Repeat(rule, 30)), StringComparison.Ordinal);
            Tokenizer tokenizer = new(TokenizerJsonReader.Read("growing", System.Text.Encoding.UTF8.GetBytes(json)));
            Assert.That(() => tokenizer.Encode("aaaa", false), Throws.TypeOf<TokenizationException>().With.Message.Contains("normalizing makes"));
        }
    }

    private static byte[] GgufSeed(string model, string? pre, string[] tokens, string[]? merges)
    {
        GgufBuilder builder = new GgufBuilder().Pair("general.architecture", "llama").Pair("tokenizer.ggml.model", model).Pair("tokenizer.ggml.tokens", tokens);
        if (pre is not null)
        {
            builder.Pair("tokenizer.ggml.pre", pre);
        }

        if (merges is not null)
        {
            builder.Pair("tokenizer.ggml.merges", merges);
        }

        return builder
            .Pair("tokenizer.ggml.scores", GgufValueType.Array, w => WriteArray(w, GgufValueType.Float32, [.. tokens.Select((_, i) => BitConverter.SingleToInt32Bits(-i))]))
            .Pair("tokenizer.ggml.token_type", GgufValueType.Array, w => WriteArray(w, GgufValueType.Int32, [2, 3, 1, 6, 1]))
            .Pair("tokenizer.ggml.bos_token_id", 1u)
            .Pair("tokenizer.ggml.eos_token_id", 2u)
            .Pair("tokenizer.ggml.unknown_token_id", 0u)
            .Pair("tokenizer.ggml.seperator_token_id", 2u)
            .Pair("tokenizer.ggml.cls_token_id", 1u)
            .Build();
    }

    private static void WriteArray(BinaryWriter writer, GgufValueType type, int[] values)
    {
        writer.Write((uint)type);
        writer.Write((ulong)values.Length);
        Array.ForEach(values, writer.Write);
    }

    [Test]
    public void Patterns()
    {
        Mutator mutator = new(3, "(?", "[", "]", "{2,}", "\\p{L}", "&&", "(?<=a)", "|", "*", "++", "^", "$");
        byte[] seed = @"(?i:'s|'t)|[^\r\n\p{L}&&[^a-z]]?\p{L}+|(?:a|b)*?c{2,3}(?=x)|\s+(?!\S)|[[:alpha:]]"u8.ToArray();
        int read = 0;
        for (int i = 0; i < Mutants / 4; i++)
        {
            string pattern = System.Text.Encoding.UTF8.GetString(mutator.Mutate(seed, default, 300));
            try
            {
                new TokenPattern(pattern).FindAll("Hello 's  abcccx \u00E9\U0001F600\n\n  aaaaaaaaaaaaaaaaaaab", []);
                read++;
            }
            catch (Exception exception) when (exception is PatternSyntaxException or TokenizationException)
            {
            }
        }

        Assert.That(read, Is.InRange(1, Mutants));
    }

    private static void Run(int count, Func<int, byte[]> mutate, Func<byte[], Tokenizer> load)
    {
        Stopwatch watch = Stopwatch.StartNew();
        int loaded = 0;
        for (int i = 0; i < count; i++)
        {
            byte[] mutant = mutate(i);
            try
            {
                Tokenizer tokenizer = load(mutant);
                loaded++;
                tokenizer.Decode(tokenizer.Encode("ab <s> Hello w\u00F6rld! \U0001F600\t  12", true), true);
            }
            catch (Exception exception) when (exception is ModelFormatException or TokenizationException)
            {
                Assert.That(exception.Message, Is.Not.Empty);
            }
            catch (Exception exception)
            {
                Assert.Fail($"mutant {i} ({mutant.Length} bytes): {exception}");
            }
        }

        Assert.That(loaded, Is.InRange(1, count - 1), "some mutants load, some do not");
        Assert.That(watch.Elapsed, Is.LessThan(TimeSpan.FromMinutes(2)));
    }
}
