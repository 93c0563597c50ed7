using System.Diagnostics;
using Moesaic.Models.Tokenizers;
using Moesaic.Models.Tokenizers.Patterns;

namespace Moesaic.Models.Tests.Tokenizers.Patterns;

public sealed class TokenPatternTests
{
    private const string Qwen = @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
    private const string Ling = @"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+";

    [TestCase(@"a|ab", "ab", "a")]
    [TestCase(@"(?:ab|a)b", "ab", "ab")]
    [TestCase(@"a*?b", "aaab", "aaab")]
    [TestCase(@"a{2,3}", "aaaaa", "aaa|aa")]
    [TestCase(@"a{2,3}?", "aaaaa", "aa|aa")]
    [TestCase(@"a{,2}b", "aaab", "aab")]
    [TestCase(@"a{x", "a{x", "a{x")]
    [TestCase(@"a++a", "aaa", "")]
    [TestCase(@"a*+b", "aaab", "aaab")]
    [TestCase(@"a?+ab", "ab aab", "aab")]
    [TestCase(@"(?>a|ab)c", "abc ac", "ac")]
    [TestCase(@"(ab)*c", "ababc", "ababc")]
    [TestCase(@"(?:a|b)*abb", "ababbabb", "ababbabb")]
    [TestCase(@"(?:a*)*b", "aaab", "aaab")]
    [TestCase(@"(?:a|)*b", "aab", "aab")]
    [TestCase(@"(?:a?){3}b", "aab", "aab")]
    [TestCase(@"x(?=y)", "xz xy", "x")]
    [TestCase(@"x(?!y).", "xy xz", "xz")]
    [TestCase(@"(?<=a)b", "cb ab", "b")]
    [TestCase(@"(?<=ab|c)d", "bd abd cd", "d|d")]
    [TestCase(@"(?<!a)b", "ab cb", "b")]
    [TestCase(@"(?<!a|cc)b.", "ab1ccb2cb3", "b3")]
    [TestCase(@"^b", "a\nb", "b")]
    [TestCase(@"a$", "a\na", "a|a")]
    [TestCase(@"\Aa|b\z", "aa b b", "a|b")]
    [TestCase(@"\bfoo\b", "foo foobar barfoo foo", "foo|foo")]
    [TestCase(@"(?i)straße", "STRAßE", "STRAßE")]
    [TestCase(@"(?i:'s)", "'S 'ſ", "'S|'ſ")]
    [TestCase(@"a(?i)b|c", "aB aC", "aB|aC")]
    [TestCase(@"[a-c&&[^b]]+", "abcac", "a|cac")]
    [TestCase(@"[\p{L}&&[^a-z]]+", "abÉΩ", "ÉΩ")]
    [TestCase(@"[[:alpha:]]+|[[:^alpha:]]+", "ab12", "ab|12")]
    [TestCase(@"[]a]+", "]a]", "]a]")]
    [TestCase(@"[a-]+", "a-b", "a-")]
    [TestCase(@"[^\S\n]+", " \t\n ", " \t| ")]
    [TestCase(@"\x{1F600}|\u0041|\x42", "A😀B", "A|😀|B")]
    [TestCase(@"[😀-😂]+", "😀😁x", "😀😁")]
    [TestCase(@".", "😀é", "😀|é")]
    [TestCase(@"\p{^L}+|\P{N}+", "a1b", "a|1|b")]
    [TestCase(@"\p{Han}+|\p{Script=Greek}+|\p{Lowercase_Letter}+", "漢字αβab", "漢字|αβ|ab")]
    [TestCase(@"(?x: a b # c
 c)", "abc", "abc")]
    [TestCase(@"(?#note)a", "a", "a")]
    [TestCase(@"(?<name>a)(?P<other>b)", "ab", "ab")]
    [TestCase(@"\d{1,3}(?=(?:\d{3})*\b)", "1234567 12", "1|234|567|12")]
    [TestCase(Qwen, "I'll don'T  12 éa\r\n\n x", "I|'ll| don|'T| | |1|2| éa|\r\n\n| x")]
    [TestCase(Ling, "a\n\nb  !?\n", "a|\n\n|b| | !?\n")]
    public void Finds_what_Oniguruma_finds(string pattern, string text, string expected) =>
        Assert.That(Find(new TokenPattern(pattern), text), Is.EqualTo(expected.Length == 0 ? [] : expected.Split('|')));

    [Test]
    public void Empty_matches_split_but_do_not_repeat_behind_a_match()
    {
        List<(int, int)> matches = [];
        new TokenPattern(@"(?=(\d{3})+(?!\d))").FindAll("1234567", matches);
        Assert.That(matches, Is.EqualTo(new[] { (1, 1), (4, 4) }));
        matches.Clear();
        new TokenPattern("a*").FindAll("baac", matches);
        Assert.That(matches, Is.EqualTo(new[] { (0, 0), (1, 3), (4, 4) }));
    }

    [Test]
    public void The_end_of_a_line_can_be_the_end_of_the_text()
    {
        List<(int, int)> matches = [];
        new TokenPattern("a$", endOfLineIsEndOfText: true).FindAll("a\na", matches);
        Assert.That(matches, Is.EqualTo(new[] { (2, 3) }));
    }

    [TestCase("(a", "without its ')'")]
    [TestCase("a)", "')' without")]
    [TestCase("[a", "not closed")]
    [TestCase("*a", "nothing to repeat")]
    [TestCase(@"(a)\1", "back references")]
    [TestCase(@"\p{Klingon}", "'Klingon' is not a known property")]
    [TestCase(@"\pL", "braces")]
    [TestCase("[z-a]", "is empty")]
    [TestCase("a{3,2}", "is empty")]
    [TestCase("(?<=a+)b", "fixed length")]
    [TestCase(@"\x{110000}", "not a code point")]
    [TestCase("(?(1)a)", "not supported")]
    [TestCase(@"a\Kb", "not supported")]
    [TestCase("(?:(?:(?:ab){1000}){1000}){1000}", "instructions")]
    [TestCase("a{1000000}", "repetitions")]
    public void Refuses_by_name(string pattern, string message) =>
        Assert.That(() => new TokenPattern(pattern), Throws.InstanceOf<PatternSyntaxException>().With.Message.Contains(message));

    [Test]
    public void Deep_nesting_is_refused_without_overflowing_the_stack()
    {
        Assert.That(() => new TokenPattern(new string('(', 100_000)), Throws.InstanceOf<PatternSyntaxException>());
        Assert.That(() => new TokenPattern(new string('[', 100_000)), Throws.InstanceOf<PatternSyntaxException>());
    }

    [TestCase("(a+)+$", "a", "b")]
    [TestCase("(?:a|aa)+b", "a", "c")]
    [TestCase("(?:a|a)*c", "a", "b")]
    [TestCase(@"\s+$", " ", "x")]
    [TestCase(@"\s*[\r\n]|\s+(?!\S)", " ", "x")]
    [TestCase(@"(?=.*z)q|y", "a", "y")]
    [TestCase(@"(?:[ab]?c*)*d|y", "abc", "y", 20_000)]
    [TestCase(Qwen, " ", "x")]
    public void Hostile_texts_take_time_in_proportion_to_their_length(string pattern, string unit, string tail, int times = 300_000)
    {
        string text = string.Concat(Enumerable.Repeat(unit, times)) + tail;
        Stopwatch watch = Stopwatch.StartNew();
        try
        {
            Find(new TokenPattern(pattern), text);
        }
        catch (TokenizationException)
        {
        }

        Assert.That(watch.Elapsed, Is.LessThan(TimeSpan.FromSeconds(10)));
    }

    private static List<string> Find(TokenPattern pattern, string text)
    {
        List<(int Start, int End)> matches = [];
        pattern.FindAll(text, matches);
        return [.. matches.Select(match => text[match.Start..match.End])];
    }
}
