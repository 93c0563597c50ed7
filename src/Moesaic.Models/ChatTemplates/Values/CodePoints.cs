using System.Text;

namespace Moesaic.Models.ChatTemplates.Values;

/// <summary>Code points of UTF-16 text, and the character classes of Python's str.</summary>
internal static class CodePoints
{
    /// <summary>UTF-16 units of the code point at an offset; an unpaired surrogate counts as one.</summary>
    public static int LengthAt(string text, int offset) =>
        char.IsHighSurrogate(text[offset]) && offset + 1 < text.Length && char.IsLowSurrogate(text[offset + 1]) ? 2 : 1;

    public static int At(string text, int offset) =>
        LengthAt(text, offset) == 2 ? char.ConvertToUtf32(text[offset], text[offset + 1]) : text[offset];

    /// <summary>Offsets at which code points start; null when the text has no surrogate pair.</summary>
    public static int[]? FindStarts(string text)
    {
        int first = text.AsSpan().IndexOfAnyInRange('\uD800', '\uDBFF');
        if (first < 0)
        {
            return null;
        }

        List<int> starts = new(text.Length);
        for (int offset = 0; offset < text.Length; offset += LengthAt(text, offset))
        {
            starts.Add(offset);
        }

        return starts.Count == text.Length ? null : [.. starts];
    }

    /// <summary>Number of code points.</summary>
    public static int Count(string text)
    {
        int count = 0;
        for (int offset = 0; offset < text.Length; offset += LengthAt(text, offset))
        {
            count++;
        }

        return count;
    }

    /// <summary>The code points of a text, one after the other.</summary>
    public static IEnumerable<int> Each(string text)
    {
        for (int offset = 0; offset < text.Length; offset += LengthAt(text, offset))
        {
            yield return At(text, offset);
        }
    }

    /// <summary>str.isspace: Unicode white space, and the four information separators that .NET leaves out.</summary>
    public static bool IsSpace(char c) => char.IsWhiteSpace(c) || c is >= '\u001C' and <= '\u001F';

    /// <summary>The line ends of str.splitlines.</summary>
    public static bool IsLineEnd(char c) =>
        c is '\n' or '\r' or '\v' or '\f' or (>= '\u001C' and <= '\u001E') or '\u0085' or '\u2028' or '\u2029';

    /// <summary>A character that repr() prints as it is.</summary>
    public static bool IsPrintable(int codePoint)
    {
        if (codePoint == ' ')
        {
            return true;
        }

        if (!Rune.TryCreate(codePoint, out Rune rune))
        {
            return false;
        }

        return Rune.GetUnicodeCategory(rune) is not (System.Globalization.UnicodeCategory.Control
            or System.Globalization.UnicodeCategory.Format
            or System.Globalization.UnicodeCategory.Surrogate
            or System.Globalization.UnicodeCategory.PrivateUse
            or System.Globalization.UnicodeCategory.OtherNotAssigned
            or System.Globalization.UnicodeCategory.LineSeparator
            or System.Globalization.UnicodeCategory.ParagraphSeparator
            or System.Globalization.UnicodeCategory.SpaceSeparator);
    }

    /// <summary>Order of code points, which differs from the order of UTF-16 units above U+D800.</summary>
    public static int Compare(string a, string b)
    {
        int length = Math.Min(a.Length, b.Length);
        for (int i = 0; i < length; i++)
        {
            if (a[i] != b[i])
            {
                bool surrogateA = char.IsSurrogate(a[i]);
                bool surrogateB = char.IsSurrogate(b[i]);
                return surrogateA == surrogateB ? a[i] - b[i] : surrogateA ? 1 : -1;
            }
        }

        return a.Length - b.Length;
    }
}
