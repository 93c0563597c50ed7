using System.Globalization;
using System.Text;
using Moesaic.Models.Tokenizers;

namespace Moesaic.Server.OpenAi;

/// <summary>Single tokens as text and as bytes, for log-probabilities.</summary>
/// <param name="tokenizer">The model's; null: tokens can only be spelled as ids.</param>
/// <param name="asIds">Spell <c>token_id:123</c>, which is unambiguous.</param>
internal sealed class TokenSpelling(Tokenizer? tokenizer, bool asIds)
{
    private const char WordMark = '\u2581';
    private const char Replacement = '\uFFFD';

    /// <summary>The token's text; bytes that are no whole character become U+FFFD.</summary>
    public string Text(int id) => asIds || tokenizer is null ? string.Create(CultureInfo.InvariantCulture, $"token_id:{id}") : Decode(tokenizer, id);

    /// <summary>The token's bytes; null where they are not known.</summary>
    public byte[]? Bytes(int id)
    {
        if (tokenizer is null)
        {
            return null;
        }

        string text = Decode(tokenizer, id);
        if (!text.Contains(Replacement, StringComparison.Ordinal))
        {
            return Encoding.UTF8.GetBytes(text);
        }

        string spelled = tokenizer.IdToToken(id) ?? "";
        return ByteOf(spelled) is { } single ? [single] : MappedBytes(spelled);
    }

    private static string Decode(Tokenizer tokenizer, int id)
    {
        string text = tokenizer.Decode([id], skipSpecialTokens: false);

        // A decoder drops the space before a text's first word, which every single token would be.
        return tokenizer.IdToToken(id) is [WordMark, ..] && !text.StartsWith(' ') ? " " + text : text;
    }

    // <0xE2>, as vocabularies with byte fallback spell single bytes.
    private static byte? ByteOf(string spelled) =>
        spelled is ['<', '0', 'x', _, _, '>'] && byte.TryParse(spelled.AsSpan(3, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out byte value) ? value : null;

    /// <summary>Byte-level vocabularies spell printable Latin-1 characters as themselves and the other bytes as U+0100 and on (GPT-2's table).</summary>
    private static byte[]? MappedBytes(string spelled)
    {
        byte[] bytes = new byte[spelled.Length];
        for (int i = 0; i < spelled.Length; i++)
        {
            if (!ByteOfCharacter.TryGetValue(spelled[i], out bytes[i]))
            {
                return null;
            }
        }

        return bytes;
    }

    private static Dictionary<char, byte> ByteOfCharacter { get; } = MakeTable();

    private static Dictionary<char, byte> MakeTable()
    {
        Dictionary<char, byte> table = [];
        char next = '\u0100';
        for (int value = 0; value <= byte.MaxValue; value++)
        {
            bool isPrintable = value is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or (>= 0xAE and <= 0xFF);
            table.Add(isPrintable ? (char)value : next++, (byte)value);
        }

        return table;
    }
}
