namespace Moesaic.Models.Tokenizers;

/// <summary>GPT-2's one to one map between bytes and printable characters: printable Latin-1 bytes stand for themselves, the others for U+0100 and up in order.</summary>
internal static class ByteLevelAlphabet
{
    private static readonly char[] ToCharacter = new char[256];
    private static readonly short[] ToByte = new short[0x144];

    static ByteLevelAlphabet()
    {
        Array.Fill(ToByte, (short)-1);
        int shifted = 0x100;
        for (int b = 0; b < 256; b++)
        {
            bool printable = b is (>= '!' and <= '~') or (>= 0xA1 and <= 0xAC) or >= 0xAE;
            ToCharacter[b] = (char)(printable ? b : shifted++);
            ToByte[ToCharacter[b]] = (short)b;
        }
    }

    /// <summary>The characters for the UTF-8 bytes of a text; three times the text's length is always enough room.</summary>
    public static int Encode(ReadOnlySpan<char> text, Span<char> to)
    {
        int count = 0;
        for (int i = 0; i < text.Length; i++)
        {
            int c = text[i];
            if (c < 0x80)
            {
                to[count++] = ToCharacter[c];
                continue;
            }

            if (c < 0x800)
            {
                to[count++] = ToCharacter[0xC0 | (c >> 6)];
            }
            else
            {
                if (char.IsHighSurrogate((char)c) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]))
                {
                    c = char.ConvertToUtf32((char)c, text[++i]);
                    to[count++] = ToCharacter[0xF0 | (c >> 18)];
                    to[count++] = ToCharacter[0x80 | ((c >> 12) & 0x3F)];
                }
                else
                {
                    to[count++] = ToCharacter[0xE0 | (c >> 12)];
                }

                to[count++] = ToCharacter[0x80 | ((c >> 6) & 0x3F)];
            }

            to[count++] = ToCharacter[0x80 | (c & 0x3F)];
        }

        return count;
    }

    /// <summary>The text with each UTF-8 byte replaced by its character.</summary>
    public static string Encode(ReadOnlySpan<char> text)
    {
        char[] mapped = new char[text.Length * 3];
        return new string(mapped, 0, Encode(text, mapped));
    }

    /// <summary>The character of a byte.</summary>
    public static char CharacterOf(byte value) => ToCharacter[value];

    /// <summary>The byte of a character, or -1.</summary>
    public static int ByteOf(char character) => character < ToByte.Length ? ToByte[character] : -1;
}
