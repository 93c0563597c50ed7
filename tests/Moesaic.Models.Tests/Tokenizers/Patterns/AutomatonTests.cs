using System.Text;
using Moesaic.Models.Tokenizers;
using Moesaic.Models.Tokenizers.Patterns;

namespace Moesaic.Models.Tests.Tokenizers.Patterns;

/// <summary>The automaton finds exactly what backtracking finds.</summary>
public sealed class AutomatonTests
{
    private static readonly string[] Published =
    [
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
        @"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+",
        @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
        @"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    ];

    private static readonly string[] Atoms = ["a", "b", "[ab]", "[^a]", @"\s", "c", ".", @"\p{L}", "\U0001F600", "(?!a)", "(?=b)", "$", @"(?!\S)"];
    private static readonly string[] Repeats = ["", "", "", "?", "*", "+", "*?", "+?", "??", "*+", "++", "?+", "{2}", "{1,3}", "{0,2}?", "{2,}"];
    private static readonly string[] Units = ["a", "b", "c", " ", "\n", "A", "1", "'s", "\u00E9", "\u4E00", "\U0001F600", "\u0301", "\r"];

    [Test]
    public void Random_patterns_match_as_by_backtracking()
    {
        Random random = new(20);
        int run = 0;
        for (int i = 0; i < 4000; i++)
        {
            string pattern = RandomPattern(random, 2);
            TokenPattern compiled = new(pattern);
            run += PatternAutomaton.Create(compiled.Program) is null ? 0 : 1;
            for (int j = 0; j < 4; j++)
            {
                Compare(compiled, RandomText(random, 12));
            }
        }

        Assert.That(run, Is.GreaterThan(1500), "patterns that an automaton runs");
    }

    [TestCaseSource(nameof(Published))]
    public void Published_patterns_match_as_by_backtracking(string pattern)
    {
        Random random = new(21);
        TokenPattern compiled = new(pattern);
        Assert.That(PatternAutomaton.Create(compiled.Program), Is.Not.Null, "an automaton runs it");
        for (int i = 0; i < 2000; i++)
        {
            Compare(compiled, RandomText(random, 60));
        }
    }

    [Test]
    public void Patterns_with_too_many_states_are_left_to_backtracking()
    {
        TokenPattern pattern = new("(?:a|b)*a(?:a|b){14}c|[ab]");
        Compare(pattern, string.Concat(Enumerable.Range(0, 3000).Select(i => (i * 2654435761L >> 7 & 1) == 0 ? "a" : "b")));
    }

    [Test]
    public void Looking_far_ahead_for_short_matches_is_left_to_backtracking() => Compare(new TokenPattern("a*b|a"), new string('a', 20_000));

    private static void Compare(TokenPattern pattern, string text)
    {
        List<(int, int)> expected = [], found = [];
        try
        {
            pattern.FindAllByBacktracking(text, expected);
        }
        catch (TokenizationException)
        {
            // Patterns that can repeat the empty text may exhaust backtracking; then there is nothing to compare with.
            return;
        }

        pattern.FindAll(text, found);
        if (!found.SequenceEqual(expected))
        {
            Assert.Fail($"'{pattern.Pattern}' on '{text}': {string.Join(' ', found)} instead of {string.Join(' ', expected)}");
        }
    }

    private static string RandomText(Random random, int units) =>
        string.Concat(Enumerable.Range(0, random.Next(units + 1)).Select(_ => Units[random.Next(Units.Length)]));

    private static string RandomPattern(Random random, int depth)
    {
        StringBuilder pattern = new();
        for (int choice = random.Next(1, 4); choice > 0; choice--)
        {
            for (int part = random.Next(1, 4); part > 0; part--)
            {
                bool group = depth > 0 && random.Next(4) == 0;
                string atom = group ? $"(?:{RandomPattern(random, depth - 1)})" : Atoms[random.Next(Atoms.Length)];
                pattern.Append(atom).Append(atom is ['(', '?', '!' or '=', ..] or "$" ? "" : Repeats[random.Next(Repeats.Length)]);
            }

            pattern.Append(choice > 1 ? "|" : "");
        }

        return pattern.ToString();
    }
}
