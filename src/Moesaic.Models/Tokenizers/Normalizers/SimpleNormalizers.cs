using System.Text;
using Moesaic.Models.Unicode;

namespace Moesaic.Models.Tokenizers.Normalizers;

/// <summary>One of the four Unicode normalization forms, with the tables of Unicode 9 that the reference implementation uses.</summary>
internal sealed class UnicodeFormNormalizer(NormalizationForm form) : TextNormalizer
{
    /// <summary>Version of the normalization tables inside Hugging Face tokenizers.</summary>
    public const int ReferenceVersion = 9;

    public override string Normalize(string text, ref bool keepsStart) => UnicodeNormalizer.ForVersion(ReferenceVersion).Normalize(text, form);
}

/// <summary>Full lower case, each character on its own.</summary>
internal sealed class LowercaseNormalizer : TextNormalizer
{
    public override string Normalize(string text, ref bool keepsStart) => CaseMapping.ToLower(text);
}

/// <summary>Normalizers one after another.</summary>
internal sealed class SequenceNormalizer(IReadOnlyList<TextNormalizer> parts) : TextNormalizer
{
    public override string Normalize(string text, ref bool keepsStart)
    {
        foreach (TextNormalizer part in parts)
        {
            text = part.Normalize(text, ref keepsStart);
        }

        return text;
    }
}

/// <summary>Puts a text before every text that is not empty.</summary>
internal sealed class PrependNormalizer(string prefix) : TextNormalizer
{
    public override string Normalize(string text, ref bool keepsStart) => text.Length == 0 ? text : prefix + text;
}

/// <summary>Puts a text behind every text that is not empty.</summary>
internal sealed class AppendNormalizer(string suffix) : TextNormalizer
{
    public override string Normalize(string text, ref bool keepsStart) => text.Length == 0 ? text : text + suffix;
}

/// <summary>Takes white space away from the ends.</summary>
internal sealed class StripNormalizer(bool left, bool right) : TextNormalizer
{
    public override string Normalize(string text, ref bool keepsStart)
    {
        int start = 0, end = text.Length;
        while (left && start < end && UnicodeInfo.IsWhiteSpace(text[start]))
        {
            start++;
        }

        while (right && end > start && UnicodeInfo.IsWhiteSpace(text[end - 1]))
        {
            end--;
        }

        keepsStart &= start == 0;
        return text[start..end];
    }
}

/// <summary>The byte-level alphabet instead of the UTF-8 bytes.</summary>
internal sealed class ByteLevelNormalizer : TextNormalizer
{
    public override string Normalize(string text, ref bool keepsStart) => ByteLevelAlphabet.Encode(text);
}

/// <summary>Base of normalizers that look at one character at a time.</summary>
internal abstract class CharacterNormalizer : TextNormalizer
{
    /// <summary>Result for a character that is dropped.</summary>
    protected const int Drop = -1;

    public sealed override string Normalize(string text, ref bool keepsStart)
    {
        StringBuilder? result = null;
        for (int at = 0; at < text.Length;)
        {
            int codePoint = UnicodeInfo.CodePointAt(text, at, out int length);
            int mapped = Map(codePoint);
            if (mapped != codePoint && result is null)
            {
                result = new StringBuilder(text.Length).Append(text, 0, at);
            }

            if (mapped == Drop)
            {
                keepsStart &= result!.Length > 0;
            }
            else if (result is not null)
            {
                UnicodeInfo.Append(result, mapped);
            }

            at += length;
        }

        return result?.ToString() ?? text;
    }

    /// <summary>What a character becomes, or <see cref="Drop"/>.</summary>
    protected abstract int Map(int codePoint);
}

/// <summary>Drops combining marks; text is expected to be decomposed already.</summary>
internal sealed class StripAccentsNormalizer : CharacterNormalizer
{
    protected override int Map(int codePoint) => codePoint >= 0x300
        && UnicodeInfo.IsMark(UnicodeInfo.GetCategory(codePoint, UnicodeFormNormalizer.ReferenceVersion)) ? Drop : codePoint;
}

/// <summary>The clean-up of machine translation: control characters go, odd spaces become plain ones.</summary>
internal sealed class NmtNormalizer : CharacterNormalizer
{
    protected override int Map(int codePoint) => codePoint switch
    {
        (>= 0x01 and <= 0x08) or 0x0B or (>= 0x0E and <= 0x1F) or 0x7F or 0x8F or 0x9F => Drop,
        0x09 or 0x0A or 0x0C or 0x0D or 0x1680 or (>= 0x200B and <= 0x200F) or 0x2028 or 0x2029 or 0x2581 or 0xFEFF or 0xFFFD => ' ',
        _ => codePoint,
    };
}
