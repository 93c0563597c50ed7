using System.Text;
using Moesaic.Models.Tokenizers.TokenModels;

namespace Moesaic.Models.Tokenizers.Normalizers;

/// <summary>
/// SentencePiece's own normalizer: the longest rule that fits wins, user-defined pieces pass unchanged, spaces are counted
/// once and become U+2581, one is put before the text.
/// </summary>
/// <param name="map">The compiled rules, or null for none.</param>
/// <param name="addDummyPrefix">Whether a space is put before the text.</param>
/// <param name="removeExtraWhitespaces">Whether runs of spaces count once and spaces at the ends not at all.</param>
/// <param name="userDefined">Pieces that no rule changes.</param>
internal sealed class SentencePieceNormalizer(CharacterMap? map, bool addDummyPrefix, bool removeExtraWhitespaces, StringTrie? userDefined) : TextNormalizer
{
    private const char Space = '\u2581';
    private const int MaxRuleCharacters = 64;

    public override string Normalize(string text, ref bool keepsStart)
    {
        StringBuilder result = new(text.Length + 8);
        bool pending = false, started = false;
        Span<byte> bytes = stackalloc byte[MaxRuleCharacters * 3];
        for (int at = 0; at < text.Length;)
        {
            ReadOnlySpan<char> rest = text.AsSpan(at);
            int own = userDefined?.LongestPrefix(rest, out _) ?? 0;
            if (own > 0)
            {
                Append(rest[..own], result, ref pending, ref started);
                at += own;
                continue;
            }

            string? replacement = FindRule(rest, bytes, out int consumed);
            if (replacement is null)
            {
                consumed = char.IsHighSurrogate(rest[0]) && rest.Length > 1 ? 2 : 1;
                Append(rest[..consumed], result, ref pending, ref started);
            }
            else
            {
                Append(replacement, result, ref pending, ref started);
            }

            at += consumed;
            CheckLength(result.Length, text.Length);
        }

        return result.ToString();
    }

    private string? FindRule(ReadOnlySpan<char> rest, Span<byte> bytes, out int consumed)
    {
        consumed = 0;
        if (map is null)
        {
            return null;
        }

        ReadOnlySpan<char> head = rest[..Math.Min(rest.Length, MaxRuleCharacters)];
        if (char.IsHighSurrogate(head[^1]))
        {
            head = head[..^1];
        }

        int size = Encoding.UTF8.GetBytes(head, bytes);
        string? replacement = map.FindLongest(bytes[..size], out int length);
        if (replacement is not null)
        {
            consumed = Encoding.UTF8.GetCharCount(bytes[..length]);
        }

        return replacement;
    }

    private void Append(ReadOnlySpan<char> text, StringBuilder result, ref bool pending, ref bool started)
    {
        foreach (char c in text)
        {
            if (c == ' ' && removeExtraWhitespaces)
            {
                pending = true;
                continue;
            }

            if (!started)
            {
                started = true;
                pending = addDummyPrefix;
            }

            if (pending)
            {
                result.Append(Space);
                pending = false;
            }

            result.Append(c == ' ' ? Space : c);
        }
    }
}
