using System.Globalization;
using System.Text;
using Moesaic.Models.ChatTemplates.Values;

namespace Moesaic.Models.ChatTemplates.Methods;

/// <summary>The classes behind str.isalpha and its kin, by code point.</summary>
internal static class CharacterClasses
{
    // Other_Lowercase and Other_Uppercase of Unicode's PropList: cased characters that are not Ll or Lu.
    private static readonly (int First, int Last)[] OtherLower =
    [
        (0xAA, 0xAA), (0xBA, 0xBA), (0x2B0, 0x2B8), (0x2C0, 0x2C1), (0x2E0, 0x2E4), (0x345, 0x345), (0x37A, 0x37A),
        (0x1D2C, 0x1D6A), (0x1D78, 0x1D78), (0x1D9B, 0x1DBF), (0x2071, 0x2071), (0x207F, 0x207F), (0x2090, 0x209C),
        (0x2170, 0x217F), (0x24D0, 0x24E9), (0x2C7C, 0x2C7D), (0xA69C, 0xA69D), (0xA770, 0xA770), (0xA7F8, 0xA7F9),
        (0xAB5C, 0xAB5F),
    ];

    private static readonly (int First, int Last)[] OtherUpper =
    [
        (0x2160, 0x216F), (0x24B6, 0x24CF), (0x1F130, 0x1F149), (0x1F150, 0x1F169), (0x1F170, 0x1F189),
    ];

    // Han characters that Unihan gives a number.
    private static readonly HashSet<int> HanNumbers =
    [
        .. CodePoints.Each(
            "㐅㒃㠪㭍一七万三九二五亖亿什仟仨伍佰億兆兩八六十千卄卅"
            + "卌叁参參叄四壱壹幺廾廿弌弍弎弐拾捌柒漆玖百肆萬貮貳贰阡"
            + "陆陌陸零參拾兩零六陸什𠀁𠁤𠃢𠄡𠤪𠦃𠦌𠦜𠫪𠫽𠬙𢎐𢦘𣬛𦉭廾"),
    ];

    public static bool IsAlpha(int c) => Category(c) is UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter
        or UnicodeCategory.TitlecaseLetter or UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter;

    public static bool IsDecimal(int c) => Category(c) == UnicodeCategory.DecimalDigitNumber;

    /// <summary>Decimal digits, and superscripts and the like that stand for one digit.</summary>
    public static bool IsDigit(int c) => IsDecimal(c) || CharUnicodeInfo.GetDigitValue(AsText(c), 0) >= 0;

    public static bool IsNumeric(int c) => IsDigit(c) || CharUnicodeInfo.GetNumericValue(AsText(c), 0) >= 0
        || Category(c) is UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber
        || HanNumbers.Contains(c);

    public static bool IsAlphanumeric(int c) => IsAlpha(c) || IsNumeric(c);

    /// <summary>\w of regular expressions.</summary>
    public static bool IsWord(int c) => c == '_' || IsAlphanumeric(c);

    public static bool IsLower(int c) => Category(c) == UnicodeCategory.LowercaseLetter || Within(c, OtherLower);

    public static bool IsUpper(int c) => Category(c) == UnicodeCategory.UppercaseLetter || Within(c, OtherUpper);

    public static bool IsTitle(int c) => Category(c) == UnicodeCategory.TitlecaseLetter;

    public static bool IsCased(int c) => IsLower(c) || IsUpper(c) || IsTitle(c);

    public static bool IsCaseIgnorable(int c) => c is '\'' or '.' or ':' or '^' or '`' or 0xA8 or 0xAD or 0xAF or 0xB4 or 0xB7 or 0xB8 or 0x2019
        || Category(c) is UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark or UnicodeCategory.Format
            or UnicodeCategory.ModifierLetter or UnicodeCategory.ModifierSymbol;

    /// <summary>Value of a decimal digit of any script, or -1.</summary>
    public static int DecimalDigit(int c) =>
        c < 128 ? (c is >= '0' and <= '9' ? c - '0' : -1) : IsDecimal(c) ? CharUnicodeInfo.GetDecimalDigitValue(AsText(c), 0) : -1;

    /// <summary>str.islower: some cased character, and none in upper or title case.</summary>
    public static bool IsLower(string text) => HasCase(text, static c => IsLower(c), static c => IsUpper(c) || IsTitle(c));

    public static bool IsUpper(string text) => HasCase(text, static c => IsUpper(c), static c => IsLower(c) || IsTitle(c));

    /// <summary>str.istitle: upper case after uncased characters only, lower case after cased ones only.</summary>
    public static bool IsTitle(string text)
    {
        bool afterCased = false;
        bool any = false;
        foreach (int c in CodePoints.Each(text))
        {
            bool starts = IsUpper(c) || IsTitle(c);
            bool continues = !starts && IsLower(c);
            if ((starts && afterCased) || (continues && !afterCased))
            {
                return false;
            }

            afterCased = starts || continues;
            any |= afterCased;
        }

        return any;
    }

    public static bool IsIdentifier(string text)
    {
        bool first = true;
        foreach (int c in CodePoints.Each(text))
        {
            bool starts = c == '_' || IsAlpha(c) || Category(c) == UnicodeCategory.LetterNumber;
            bool continues = starts || Category(c) is UnicodeCategory.DecimalDigitNumber or UnicodeCategory.NonSpacingMark
                or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.ConnectorPunctuation;
            if (first ? !starts : !continues)
            {
                return false;
            }

            first = false;
        }

        return !first;
    }

    private static bool HasCase(string text, Func<int, bool> wanted, Func<int, bool> forbidden)
    {
        bool any = false;
        foreach (int c in CodePoints.Each(text))
        {
            if (forbidden(c))
            {
                return false;
            }

            any |= wanted(c);
        }

        return any;
    }

    private static bool Within(int c, (int First, int Last)[] ranges)
    {
        foreach ((int first, int last) in ranges)
        {
            if (c >= first && c <= last)
            {
                return true;
            }
        }

        return false;
    }

    private static UnicodeCategory Category(int c) =>
        Rune.TryCreate(c, out Rune rune) ? Rune.GetUnicodeCategory(rune) : UnicodeCategory.Surrogate;

    private static string AsText(int c) => Rune.TryCreate(c, out Rune rune) ? rune.ToString() : ((char)c).ToString();
}
