using System.Globalization;
using System.Text;
using Moesaic.Models.Unicode;

namespace Moesaic.Models.Tokenizers.Normalizers;

/// <summary>BERT's clean-up: control characters, spaces around Chinese characters, accents and case.</summary>
internal sealed class BertNormalizer(bool cleanText, bool handleChineseCharacters, bool stripAccents, bool lowercase) : TextNormalizer
{
    /// <summary>Version of the general categories inside Hugging Face tokenizers.</summary>
    public const int CategoryVersion = 8;

    /// <summary>Whether spaces are put around the character. The gap below U+2B920 is the reference's.</summary>
    public static bool IsChinese(int codePoint) => codePoint is (>= 0x4E00 and <= 0x9FFF) or (>= 0x3400 and <= 0x4DBF)
        or (>= 0x20000 and <= 0x2A6DF) or (>= 0x2A700 and <= 0x2B73F) or (>= 0x2B740 and <= 0x2B81F)
        or (>= 0x2B920 and <= 0x2CEAF) or (>= 0xF900 and <= 0xFAFF) or (>= 0x2F800 and <= 0x2FA1F);

    public override string Normalize(string text, ref bool keepsStart)
    {
        StringBuilder result = new(text.Length + 16);
        for (int at = 0; at < text.Length;)
        {
            int codePoint = UnicodeInfo.CodePointAt(text, at, out int length);
            at += length;
            if (cleanText)
            {
                if (codePoint is 0 or 0xFFFD || IsControl(codePoint))
                {
                    keepsStart &= result.Length > 0;
                    continue;
                }

                codePoint = UnicodeInfo.IsWhiteSpace(codePoint) ? ' ' : codePoint;
            }

            if (handleChineseCharacters && IsChinese(codePoint))
            {
                result.Append(' ');
                UnicodeInfo.Append(result, codePoint);
                result.Append(' ');
            }
            else
            {
                UnicodeInfo.Append(result, codePoint);
            }
        }

        string cleaned = result.ToString();
        if (stripAccents)
        {
            cleaned = StripAccents(UnicodeNormalizer.ForVersion(UnicodeFormNormalizer.ReferenceVersion).Normalize(cleaned, NormalizationForm.FormD), ref keepsStart);
        }

        return lowercase ? CaseMapping.ToLower(cleaned) : cleaned;
    }

    private static bool IsControl(int codePoint) => codePoint is not ('\t' or '\n' or '\r')
        && UnicodeInfo.GetCategory(codePoint, CategoryVersion) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.PrivateUse;

    private static string StripAccents(string text, ref bool keepsStart)
    {
        StringBuilder result = new(text.Length);
        for (int at = 0; at < text.Length;)
        {
            int codePoint = UnicodeInfo.CodePointAt(text, at, out int length);
            at += length;
            if (codePoint >= 0x300 && UnicodeInfo.GetCategory(codePoint, CategoryVersion) == UnicodeCategory.NonSpacingMark)
            {
                keepsStart &= result.Length > 0;
                continue;
            }

            UnicodeInfo.Append(result, codePoint);
        }

        return result.ToString();
    }
}
