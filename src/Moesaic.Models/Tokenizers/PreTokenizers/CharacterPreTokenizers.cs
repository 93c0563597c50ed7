using Moesaic.Models.Tokenizers.Normalizers;
using Moesaic.Models.Unicode;

namespace Moesaic.Models.Tokenizers.PreTokenizers;

/// <summary>Splits at single characters of a kind.</summary>
internal sealed class CharacterPreTokenizer(Func<int, bool> isDelimiter, SplitBehavior behavior) : PreTokenizer
{
    public static CharacterPreTokenizer WhiteSpace { get; } = new(UnicodeInfo.IsWhiteSpace, SplitBehavior.Removed);

    /// <summary>Punctuation as BERT sees it: all of ASCII's symbols, and the categories P as of Unicode 8.</summary>
    public static bool IsPunctuation(int codePoint) => codePoint < 0x80
        ? codePoint is (> ' ' and < '0') or (> '9' and < 'A') or (> 'Z' and < 'a') or (> 'z' and < 0x7F)
        : UnicodeInfo.IsPunctuation(UnicodeInfo.GetCategory(codePoint, BertNormalizer.CategoryVersion));

    public override void Split(Segment segment, List<Segment> pieces)
    {
        List<(int Start, int End)> matches = Splitting.RentMatches();
        ReadOnlySpan<char> text = segment.Span;
        for (int i = 0; i < text.Length;)
        {
            int codePoint = UnicodeInfo.CodePointAt(text, i, out int length);
            if (isDelimiter(codePoint))
            {
                matches.Add((i, i + length));
            }

            i += length;
        }

        Splitting.Cut(segment, matches, behavior, invert: false, pieces);
    }
}

/// <summary>SentencePiece's way with spaces: they become a visible character, one is put before the text, pieces begin with it.</summary>
internal sealed class MetaspacePreTokenizer(string replacement, PrependScheme scheme, bool split) : PreTokenizer
{
    public override void Split(Segment segment, List<Segment> pieces)
    {
        string text = segment.Text.Replace(" ", replacement, StringComparison.Ordinal);
        if (!text.StartsWith(replacement, StringComparison.Ordinal)
            && (scheme == PrependScheme.Always || (scheme == PrependScheme.First && segment.AtOrigin)))
        {
            text = replacement + text;
        }

        segment = segment.With(text);
        if (!split)
        {
            pieces.Add(segment);
            return;
        }

        List<(int Start, int End)> matches = Splitting.RentMatches();
        for (int at = 0; (at = text.IndexOf(replacement, at, StringComparison.Ordinal)) >= 0; at += replacement.Length)
        {
            matches.Add((at, at + replacement.Length));
        }

        Splitting.Cut(segment, matches, SplitBehavior.MergedWithNext, invert: false, pieces);
    }
}

/// <summary>When a Metaspace puts its character before a text.</summary>
internal enum PrependScheme
{
    First,
    Never,
    Always,
}

/// <summary>Pieces of a fixed number of characters.</summary>
internal sealed class FixedLengthPreTokenizer(int length) : PreTokenizer
{
    public override void Split(Segment segment, List<Segment> pieces)
    {
        ReadOnlySpan<char> text = segment.Span;
        int start = 0, count = 0;
        for (int i = 0; i < text.Length;)
        {
            UnicodeInfo.CodePointAt(text, i, out int units);
            i += units;
            if (++count == length || i == text.Length)
            {
                pieces.Add(segment.Slice(start, i));
                (start, count) = (i, 0);
            }
        }
    }
}

/// <summary>Splits where the script changes; spaces belong to any script, and Japanese kana count as Han.</summary>
internal sealed class UnicodeScriptsPreTokenizer : PreTokenizer
{
    private const int Any = -1;
    private static readonly int Han = Number("Han"), Hiragana = Number("Hiragana"), Katakana = Number("Katakana");

    public override void Split(Segment segment, List<Segment> pieces)
    {
        ReadOnlySpan<char> text = segment.Span;
        int start = 0;
        int? last = null;
        for (int i = 0; i < text.Length;)
        {
            int script = ScriptOf(UnicodeInfo.CodePointAt(text, i, out int length));
            if (script != Any)
            {
                if (last is not null && last != script)
                {
                    pieces.Add(segment.Slice(start, i));
                    start = i;
                }
                else if (last is null && i > 0)
                {
                    // What stands before the first character with a script is lost, as in the reference.
                    start = i;
                }

                last = script;
            }

            i += length;
        }

        if (last is not null)
        {
            pieces.Add(segment.Slice(start, text.Length));
        }
    }

    private static int ScriptOf(int codePoint)
    {
        if (codePoint == 0x30FC)
        {
            return Han;
        }

        int script = UnicodeTables.Script[codePoint];
        return codePoint == ' ' ? Any : script == Hiragana || script == Katakana ? Han : script;
    }

    private static int Number(string name) => Array.FindIndex(UnicodeTables.ScriptNames, names => names.Split(' ').Contains(name));
}
