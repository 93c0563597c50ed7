using System.Globalization;
using System.Text;

namespace Moesaic.Models.ChatTemplates.Syntax;

/// <summary>Escapes of Python's string literals.</summary>
internal static class StringLiteral
{
    public static string Unescape(string raw, int line)
    {
        if (!raw.Contains('\\', StringComparison.Ordinal))
        {
            return raw;
        }

        StringBuilder text = new(raw.Length);
        for (int i = 0; i < raw.Length; i++)
        {
            if (raw[i] != '\\' || i + 1 == raw.Length)
            {
                text.Append(raw[i]);
                continue;
            }

            char c = raw[++i];
            switch (c)
            {
                case '\n':
                    break;
                case '\\' or '\'' or '"':
                    text.Append(c);
                    break;
                case 'n':
                    text.Append('\n');
                    break;
                case 't':
                    text.Append('\t');
                    break;
                case 'r':
                    text.Append('\r');
                    break;
                case 'a':
                    text.Append('\a');
                    break;
                case 'b':
                    text.Append('\b');
                    break;
                case 'f':
                    text.Append('\f');
                    break;
                case 'v':
                    text.Append('\v');
                    break;
                case 'x':
                    i = AppendHex(text, raw, i, 2, line);
                    break;
                case 'u':
                    i = AppendHex(text, raw, i, 4, line);
                    break;
                case 'U':
                    i = AppendHex(text, raw, i, 8, line);
                    break;
                case 'N':
                    throw new SyntaxFault("\\N{...} escapes are not supported in chat templates; write the character or \\u", line);
                case >= '0' and <= '7':
                    int value = 0;
                    int digits = 0;
                    for (; digits < 3 && i + digits < raw.Length && raw[i + digits] is >= '0' and <= '7'; digits++)
                    {
                        value = (value * 8) + raw[i + digits] - '0';
                    }

                    text.Append((char)value);
                    i += digits - 1;
                    break;
                default:
                    text.Append('\\').Append(c);
                    break;
            }
        }

        return text.ToString();
    }

    private static int AppendHex(StringBuilder text, string raw, int at, int digits, int line)
    {
        if (at + digits >= raw.Length
            || !uint.TryParse(raw.AsSpan(at + 1, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint value)
            || value > 0x10FFFF)
        {
            throw new SyntaxFault($"a \\{raw[at]} escape in a string needs {digits} hexadecimal digits of a Unicode character", line);
        }

        if (value <= 0xFFFF)
        {
            text.Append((char)value);
        }
        else
        {
            text.Append(char.ConvertFromUtf32((int)value));
        }

        return at + digits;
    }
}
