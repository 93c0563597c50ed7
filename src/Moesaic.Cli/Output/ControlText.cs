using System.Text;

namespace Moesaic.Cli.Output;

/// <summary>
/// Text of unknown origin for a terminal: what would move the cursor, recolour or reprogram it is written out, as in <c>\x1b[2J</c>.
/// </summary>
internal static class ControlText
{
    private const int MaxMessage = 2000;
    private const int MessageTail = 400;

    /// <summary>One line of bounded length, without control characters and without characters that turn the reading direction.</summary>
    public static string Message(string text)
    {
        StringBuilder line = new();
        foreach (char c in text.ReplaceLineEndings(" "))
        {
            Append(line, c, c == '\t' || IsControl(c) || IsHidden(c));
        }

        if (line.Length > MaxMessage)
        {
            int start = MaxMessage - MessageTail;
            int left = line.Length - MessageTail;

            // Halves of a pair of surrogates stay together.
            start -= char.IsHighSurrogate(line[start - 1]) ? 1 : 0;
            left += char.IsLowSurrogate(line[left]) ? 1 : 0;
            string omitted = $" ... ({left - start} characters left out) ... ";
            line.Remove(start, left - start).Insert(start, omitted);
        }

        return line.ToString();
    }

    /// <summary>The text with control characters written out, line breaks and tabs too.</summary>
    public static string Visible(string text)
    {
        StringBuilder visible = new(text.Length);
        foreach (char c in text)
        {
            Append(visible, c, IsControl(c) || c is '\n' or '\t');
        }

        return visible.ToString();
    }

    /// <summary>C0 and C1 control characters and DEL, but for line feed and tab.</summary>
    public static bool IsControl(char c) => c is (< ' ' and not '\n' and not '\t') or (>= '\u007f' and <= '\u009f');

    /// <summary>A control character written out.</summary>
    public static string Escape(char c) => c <= '\u00ff' ? $"\\x{(int)c:x2}" : $"\\u{(int)c:x4}";

    // Marks, embeddings, overrides and isolates of bidirectional text, and separators of lines.
    private static bool IsHidden(char c) =>
        c is '\u061c' or '\u200e' or '\u200f' or (>= '\u2028' and <= '\u202e') or (>= '\u2066' and <= '\u2069') or '\ufeff';

    private static void Append(StringBuilder text, char c, bool escape)
    {
        if (escape)
        {
            text.Append(Escape(c));
        }
        else
        {
            text.Append(c);
        }
    }
}
