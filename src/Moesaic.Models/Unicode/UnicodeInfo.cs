using System.Globalization;

namespace Moesaic.Models.Unicode;

/// <summary>
/// Properties of code points from Moesaic's own tables (general categories of Unicode 16, everything else of Unicode 15), the
/// same on every machine whether or not ICU is there.
/// </summary>
public static class UnicodeInfo
{
    private const byte AlphabeticFlag = 1, WhiteSpaceFlag = 2, LowercaseFlag = 4, UppercaseFlag = 8, PictographicFlag = 16, EmojiFlag = 32;

    /// <summary>Boolean properties that have names in patterns.</summary>
    internal static readonly Dictionary<string, byte> FlagProperties = new()
    {
        ["alphabetic"] = AlphabeticFlag,
        ["alpha"] = AlphabeticFlag,
        ["whitespace"] = WhiteSpaceFlag,
        ["wspace"] = WhiteSpaceFlag,
        ["space"] = WhiteSpaceFlag,
        ["lowercase"] = LowercaseFlag,
        ["lower"] = LowercaseFlag,
        ["uppercase"] = UppercaseFlag,
        ["upper"] = UppercaseFlag,
        ["extendedpictographic"] = PictographicFlag,
        ["extpict"] = PictographicFlag,
        ["emoji"] = EmojiFlag,
    };

    /// <summary>General category of a code point in 0..10FFFF.</summary>
    public static UnicodeCategory GetCategory(int codePoint) => (UnicodeCategory)UnicodeTables.Category[codePoint];

    /// <summary>General category as it was in an older version: characters added later are unassigned.</summary>
    public static UnicodeCategory GetCategory(int codePoint, int version) =>
        UnicodeTables.Age[codePoint] <= version ? GetCategory(codePoint) : UnicodeCategory.OtherNotAssigned;

    /// <summary>Whether the character has the White_Space property.</summary>
    public static bool IsWhiteSpace(int codePoint) => codePoint < 0x80
        ? codePoint is ' ' or (>= '\t' and <= '\r')
        : (UnicodeTables.Flags[codePoint] & WhiteSpaceFlag) != 0;

    /// <summary>Whether the character has the Alphabetic property.</summary>
    public static bool IsAlphabetic(int codePoint) => (UnicodeTables.Flags[codePoint] & AlphabeticFlag) != 0;

    /// <summary>Whether the character is a number of any kind (Nd, Nl, No).</summary>
    public static bool IsNumeric(int codePoint) => codePoint < 0x80
        ? codePoint is >= '0' and <= '9'
        : GetCategory(codePoint) is UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber;

    /// <summary>Whether a category is one of the punctuation categories.</summary>
    public static bool IsPunctuation(UnicodeCategory category) =>
        category is >= UnicodeCategory.ConnectorPunctuation and <= UnicodeCategory.OtherPunctuation;

    /// <summary>Whether a category is one of the mark categories (Mn, Mc, Me).</summary>
    public static bool IsMark(UnicodeCategory category) =>
        category is >= UnicodeCategory.NonSpacingMark and <= UnicodeCategory.EnclosingMark;

    /// <summary>Whether a pictograph for the grapheme cluster rules.</summary>
    internal static bool IsExtendedPictographic(int codePoint) => (UnicodeTables.Flags[codePoint] & PictographicFlag) != 0;

    /// <summary>All characters that have the property with the given bit.</summary>
    internal static CodePointSet WithFlag(byte flag) => UnicodeTables.Flags.Where(value => (value & flag) != 0);

    /// <summary>All characters of the categories whose bits (1 shifted by the category's number) are set.</summary>
    internal static CodePointSet WithCategories(uint mask) => UnicodeTables.Category.Where(value => (mask >> value & 1) != 0);

    /// <summary>Appends a code point as UTF-16.</summary>
    internal static void Append(System.Text.StringBuilder builder, int codePoint)
    {
        if (codePoint < 0x10000)
        {
            builder.Append((char)codePoint);
        }
        else
        {
            builder.Append((char)(0xD800 + ((codePoint - 0x10000) >> 10))).Append((char)(0xDC00 + ((codePoint - 0x10000) & 0x3FF)));
        }
    }

    /// <summary>The code point at an index and how many UTF-16 units it takes; a lone surrogate counts as itself.</summary>
    internal static int CodePointAt(ReadOnlySpan<char> text, int index, out int length)
    {
        char first = text[index];
        if (char.IsHighSurrogate(first) && index + 1 < text.Length && char.IsLowSurrogate(text[index + 1]))
        {
            length = 2;
            return char.ConvertToUtf32(first, text[index + 1]);
        }

        length = 1;
        return first;
    }
}
