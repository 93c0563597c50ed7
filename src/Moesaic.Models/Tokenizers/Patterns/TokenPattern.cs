namespace Moesaic.Models.Tokenizers.Patterns;

/// <summary>
/// A regular expression as tokenizer files use them, matched on code points. An automaton finds the matches
/// where the pattern allows it; else backtracking does. Time is bounded on any text: failures are remembered once a search
/// becomes long, and what still needs too many steps ends with a <see cref="TokenizationException"/>.
/// </summary>
/// <remarks>Immutable and thread-safe.</remarks>
public sealed class TokenPattern
{
    // Looking at a text this many times over means that the automaton runs to the end of the text for short matches.
    private const int MaxLooks = 8;

    private readonly PatternProgram _program;
    private readonly Lazy<PatternAutomaton?> _automaton;

    /// <param name="pattern">The pattern, in Oniguruma's syntax.</param>
    /// <param name="endOfLineIsEndOfText">Whether ^ and $ mean the ends of the text only, not those of every line.</param>
    /// <exception cref="PatternSyntaxException">The pattern cannot be read.</exception>
    public TokenPattern(string pattern, bool endOfLineIsEndOfText = false)
    {
        ArgumentNullException.ThrowIfNull(pattern);
        _program = PatternCompiler.Compile(pattern, PatternParser.Parse(pattern, endOfLineIsEndOfText));
        _automaton = new Lazy<PatternAutomaton?>(() => PatternAutomaton.Create(_program));
    }

    /// <summary>The pattern as it was given.</summary>
    public string Pattern => _program.Pattern;

    internal PatternProgram Program => _program;

    /// <summary>A pattern for exactly this text.</summary>
    public static TokenPattern Literal(string text)
    {
        System.Text.StringBuilder escaped = new();
        foreach (char c in text)
        {
            if (c < 128 && !char.IsAsciiLetterOrDigit(c))
            {
                escaped.Append(System.Globalization.CultureInfo.InvariantCulture, $"\\x{{{(int)c:X}}}");
            }
            else
            {
                escaped.Append(c);
            }
        }

        return new TokenPattern(escaped.ToString());
    }

    /// <summary>Appends start and end (in UTF-16 units) of every match, from left to right.</summary>
    /// <remarks>An empty match right behind the match before it does not count.</remarks>
    public void FindAll(ReadOnlySpan<char> text, List<(int Start, int End)> matches)
    {
        ArgumentNullException.ThrowIfNull(matches);
        int from = 0, lastEnd = -1;
        if (_automaton.Value is not { } automaton || !FindQuickly(automaton, text, ref from, ref lastEnd, matches))
        {
            FindByBacktracking(text, from, lastEnd, matches);
        }
    }

    /// <summary>The same without the automaton.</summary>
    internal void FindAllByBacktracking(ReadOnlySpan<char> text, List<(int Start, int End)> matches) => FindByBacktracking(text, 0, -1, matches);

    private bool FindQuickly(PatternAutomaton automaton, ReadOnlySpan<char> text, ref int from, ref int lastEnd, List<(int Start, int End)> matches)
    {
        FirstMask first = _program.First;
        long budget = ((long)MaxLooks * text.Length) + 10_000;
        while (from <= text.Length)
        {
            int end = -1;
            if (first.Admits(text, from))
            {
                end = automaton.Run(text, from, out int looked);
                budget -= looked - from + 1;
                if (end == PatternAutomaton.Unknown || budget < 0)
                {
                    return false;
                }
            }

            if (end < 0 || (end == from && end == lastEnd))
            {
                from = Next(text, from);
                continue;
            }

            matches.Add((from, end));
            from = lastEnd = end;
        }

        return true;
    }

    private void FindByBacktracking(ReadOnlySpan<char> text, int from, int lastEnd, List<(int Start, int End)> matches)
    {
        PatternMatcher matcher = PatternMatcher.Rent(_program, text.Length);
        try
        {
            while (from <= text.Length && matcher.TryFind(text, from, out int start, out int end))
            {
                if (end == start && end == lastEnd)
                {
                    from = Next(text, end);
                    continue;
                }

                matches.Add((start, end));
                from = lastEnd = end;
            }
        }
        finally
        {
            matcher.Return();
        }
    }

    private static int Next(ReadOnlySpan<char> text, int at) => at + (at + 1 < text.Length && char.IsSurrogatePair(text[at], text[at + 1]) ? 2 : 1);

    /// <summary>Whether the pattern matches anywhere in the text.</summary>
    public bool IsMatch(ReadOnlySpan<char> text)
    {
        PatternMatcher matcher = PatternMatcher.Rent(_program, text.Length);
        try
        {
            return matcher.TryFind(text, 0, out _, out _);
        }
        finally
        {
            matcher.Return();
        }
    }
}
