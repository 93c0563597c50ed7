using System.Diagnostics;
using Moesaic.Models.Tokenizers;
using Moesaic.Models.Tokenizers.TokenModels;
using Moesaic.TestSupport;

namespace Moesaic.Models.Tests.Tokenizers;

/// <summary>Merging by queue, by scan, with and without parting and caching gives what the definition gives.</summary>
public sealed class MergingTests
{
    [Test]
    public void Merges_in_the_order_of_the_definition()
    {
        Random random = new(30);
        for (int round = 0; round < 300; round++)
        {
            (Dictionary<string, int> vocabulary, List<(string Left, string Right)> merges) = RandomMerges(random, "abcd");
            PairMerger merger = new(TableOf(vocabulary, merges));
            string text = RandomText(random, "abcd", random.Next(1, 120));
            int[] symbols = [.. text.Select(c => vocabulary[c.ToString()])];
            int count = merger.Merge(symbols, symbols.Length);
            Assert.That(symbols[..count], Is.EqualTo(Plain(text, vocabulary, merges)), text);
        }
    }

    [Test]
    public void Parting_at_boundaries_changes_nothing()
    {
        Random random = new(31);
        for (int round = 0; round < 300; round++)
        {
            (Dictionary<string, int> vocabulary, List<(string Left, string Right)> merges) = RandomMerges(random, "ab_cd");
            BpeModel model = new(new Vocabulary(vocabulary), TableOf(vocabulary, merges), new BpeOptions { UnknownToken = "a", FuseUnknown = true });
            string text = RandomText(random, "ab_cdx\u00E9", 200);
            List<int> parted = [];
            model.Tokenize(text, new WordCache(), parted);

            // An unknown run is one unknown token, which may merge with its neighbours as any other.
            int[] symbols = [.. SplitUnknown(text, vocabulary).SelectMany(run => vocabulary.ContainsKey(run[..1]) ? run.Select(c => vocabulary[c.ToString()]) : [vocabulary["a"]])];
            int count = new PairMerger(TableOf(vocabulary, merges)).Merge(symbols, symbols.Length);
            Assert.That(parted, Is.EqualTo(symbols[..count]), text);
        }
    }

    [Test]
    public void A_cache_gives_what_it_was_given_however_often_it_starts_anew()
    {
        WordCache cache = new();
        Random random = new(32);
        List<int> ids = [];
        int hits = 0;
        for (int i = 0; i < 400_000; i++)
        {
            int number = random.Next(100_000);
            string word = $"w{number}";
            ids.Clear();
            if (cache.TryAppend(word, ids, out uint hash))
            {
                hits++;
                Assert.That(ids, Is.EqualTo(number % 3 == 0 ? new[] { number } : [number, 1, 2]));
            }
            else
            {
                cache.Keep(word, hash, number % 3 == 0 ? [number] : [number, 1, 2]);
            }
        }

        Assert.That(hits, Is.InRange(50_000, 350_000));
    }

    [TestCase("byte_bpe_gpt2")]
    [TestCase("byte_bpe_llama3")]
    [TestCase("sp_bpe_llama2")]
    [TestCase("sp_unigram_t5")]
    [TestCase("wordpiece_bert")]
    public void Hostile_texts_take_time_in_proportion_to_their_length(string name)
    {
        Tokenizer tokenizer = TokenizerLoader.Load(TestPaths.TestData("tokenizers", name));
        foreach (string unit in (ReadOnlySpan<string>)["a", " a", " ", "\n ", "aA", "\u0301", "\U0001F600", "\u0E01\u0E34", "."])
        {
            string text = string.Concat(Enumerable.Repeat(unit, 1_000_000 / unit.Length));
            Stopwatch watch = Stopwatch.StartNew();
            tokenizer.Encode(text, false);
            Assert.That(watch.Elapsed, Is.LessThan(TimeSpan.FromSeconds(10)), unit);
        }
    }

    [Test]
    public void Threads_share_a_tokenizer()
    {
        Tokenizer tokenizer = TokenizerLoader.Load(TestPaths.TestData("tokenizers", "byte_bpe_llama3"));
        List<ReferenceCase> cases = ReferenceCase.Load(TestPaths.TestData("tokenizers", "byte_bpe_llama3", "cases.jsonl"));
        int wrong = 0;
        Parallel.For(0, 8, _ =>
        {
            foreach (ReferenceCase reference in cases)
            {
                if (!tokenizer.Encode(reference.Text, false).SequenceEqual(reference.Ids))
                {
                    Interlocked.Increment(ref wrong);
                }
            }
        });
        Assert.That(wrong, Is.Zero);
    }

    private static (Dictionary<string, int> Vocabulary, List<(string Left, string Right)> Merges) RandomMerges(Random random, string alphabet)
    {
        Dictionary<string, int> vocabulary = alphabet.Select((c, i) => (c, i)).ToDictionary(pair => pair.c.ToString(), pair => pair.i);
        List<(string Left, string Right)> merges = [];
        for (int i = 0; i < 25; i++)
        {
            string[] tokens = [.. vocabulary.Keys];
            string left = tokens[random.Next(tokens.Length)], right = tokens[random.Next(tokens.Length)];
            if ((left + right).Length <= 6 && !merges.Contains((left, right)))
            {
                merges.Add((left, right));
                vocabulary.TryAdd(left + right, vocabulary.Count);
            }
        }

        return (vocabulary, merges);
    }

    private static MergeTable TableOf(Dictionary<string, int> vocabulary, List<(string Left, string Right)> merges)
    {
        MergeTable table = new(merges.Count);
        for (int rank = 0; rank < merges.Count; rank++)
        {
            (string left, string right) = merges[rank];
            table.Add(vocabulary[left], vocabulary[right], rank, vocabulary[left + right]);
        }

        return table;
    }

    // The definition: again and again the leftmost pair of the lowest rank.
    private static List<int> Plain(string text, Dictionary<string, int> vocabulary, List<(string Left, string Right)> merges)
    {
        List<string> symbols = [.. text.Select(c => c.ToString())];
        while (true)
        {
            var best = Enumerable.Range(0, symbols.Count - 1)
                .Select(i => (Rank: merges.IndexOf((symbols[i], symbols[i + 1])), At: i))
                .Where(pair => pair.Rank >= 0).DefaultIfEmpty((Rank: -1, At: -1)).Min();
            if (best.Rank < 0)
            {
                return [.. symbols.Select(symbol => vocabulary[symbol])];
            }

            symbols[best.At] += symbols[best.At + 1];
            symbols.RemoveAt(best.At + 1);
        }
    }

    private static string RandomText(Random random, string alphabet, int length) =>
        string.Concat(Enumerable.Range(0, length).Select(_ => alphabet[random.Next(alphabet.Length)]));

    private static List<string> SplitUnknown(string text, Dictionary<string, int> vocabulary)
    {
        List<string> runs = [];
        foreach (char c in text)
        {
            bool known = vocabulary.ContainsKey(c.ToString());
            if (runs.Count > 0 && vocabulary.ContainsKey(runs[^1][..1]) == known)
            {
                runs[^1] += c;
            }
            else
            {
                runs.Add(c.ToString());
            }
        }

        return runs;
    }
}
