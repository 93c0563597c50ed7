namespace Moesaic.Models.Tokenizers.Patterns;

/// <summary>
/// A regular expression as tokenizer files use them, matched on code points. Time is bounded on any text: failures are
/// remembered once a search becomes long, and what still needs too many steps ends with a <see cref="TokenizationException"/>.
/// </summary>
/// <remarks>Immutable and thread-safe.</remarks>
public sealed class TokenPattern
{
    private readonly PatternProgram _program;

    /// <param name="pattern">The pattern, in Oniguruma's syntax.</param>
    /// <param name="endOfLineIsEndOfText">Whether ^ and $ mean the ends of the text only, not those of every line.</param>
    /// <exception cref="PatternSyntaxException">The pattern cannot be read.</exception>
    public TokenPattern(string pattern, bool endOfLineIsEndOfText = false)
    {
        ArgumentNullException.ThrowIfNull(pattern);
        _program = PatternCompiler.Compile(pattern, PatternParser.Parse(pattern, endOfLineIsEndOfText));
    }

    /// <summary>The pattern as it was given.</summary>
    public string Pattern => _program.Pattern;

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
        PatternMatcher matcher = PatternMatcher.Rent(_program, text.Length);
        try
        {
            int from = 0, lastEnd = -1;
            while (from <= text.Length && matcher.TryFind(text, from, out int start, out int end))
            {
                if (end == start && end == lastEnd)
                {
                    from = end + (end + 1 < text.Length && char.IsSurrogatePair(text[end], text[end + 1]) ? 2 : 1);
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
