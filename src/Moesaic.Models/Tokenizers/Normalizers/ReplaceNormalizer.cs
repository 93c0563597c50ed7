using System.Text;
using Moesaic.Models.Tokenizers.Patterns;

namespace Moesaic.Models.Tokenizers.Normalizers;

/// <summary>Replaces every match of a pattern, or every occurrence of a text.</summary>
internal sealed class ReplaceNormalizer : TextNormalizer
{
    private readonly TokenPattern? _pattern;
    private readonly string? _literal;
    private readonly string _content;

    public ReplaceNormalizer(TokenPattern pattern, string content) => (_pattern, _content) = (pattern, content);

    public ReplaceNormalizer(string literal, string content)
    {
        (_literal, _content) = (literal, content);
        if (literal.Length == 0)
        {
            // The empty text matches between all characters, as an empty pattern does.
            (_literal, _pattern) = (null, new TokenPattern(""));
        }
    }

    /// <summary>The text that is replaced, where it is a plain text.</summary>
    public string? Literal => _literal;

    /// <summary>What it is replaced by.</summary>
    public string Content => _content;

    public override string Normalize(string text, ref bool keepsStart)
    {
        if (text.Length == 0)
        {
            return text;
        }

        if (_literal is not null)
        {
            if (text.StartsWith(_literal, StringComparison.Ordinal))
            {
                keepsStart &= KeepsStart(_literal.Length, text);
            }

            if (_content.Length > _literal.Length)
            {
                CheckLength(text.Length + (text.AsSpan().Count(_literal) * (long)(_content.Length - _literal.Length)), text.Length);
            }

            return text.Replace(_literal, _content, StringComparison.Ordinal);
        }

        List<(int Start, int End)> matches = [];
        _pattern!.FindAll(text, matches);
        if (matches.Count == 0)
        {
            return text;
        }

        CheckLength(text.Length + ((long)matches.Count * _content.Length), text.Length);
        if (matches[0].Start == 0)
        {
            keepsStart &= KeepsStart(matches[0].End, text);
        }

        StringBuilder result = new(text.Length);
        int from = 0;
        foreach ((int start, int end) in matches)
        {
            result.Append(text, from, start - from).Append(_content);
            from = end;
        }

        return result.Append(text, from, text.Length - from).ToString();
    }

    // The reference aligns what it puts in with the last character that it takes out.
    private bool KeepsStart(int length, string text) =>
        length == 0 || (_content.Length > 0 && length == (char.IsHighSurrogate(text[0]) ? 2 : 1));
}
