using System.Diagnostics;
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
