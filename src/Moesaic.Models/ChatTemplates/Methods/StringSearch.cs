using System.Text;
using Moesaic.Models.ChatTemplates.Runtime;
using Moesaic.Models.ChatTemplates.Values;

namespace Moesaic.Models.ChatTemplates.Methods;

/// <summary>Splitting, replacing and counting as Python's str does, on UTF-16 offsets.</summary>
internal static class StringSearch
{
    /// <summary>str.replace; a negative count replaces all. An empty pattern stands between all code points.</summary>
    public static string Replace(RenderContext context, string text, string old, string replacement, int count)
    {
        long matches = old.Length == 0 ? CodePoints.Count(text) + 1 : Count(text, old);
        matches = count < 0 ? matches : Math.Min(matches, count);
        context.ChargeText(text.Length + (matches * Math.Max(replacement.Length - old.Length, 0)));
        if (matches == 0)
        {
            return text;
        }

        if (old.Length > 0 && count < 0)
        {
            return text.Replace(old, replacement, StringComparison.Ordinal);
        }

        StringBuilder output = new();
        int offset = 0;
        for (long i = 0; i < matches; i++)
        {
            int next;
            if (old.Length > 0)
            {
                next = text.IndexOf(old, offset, StringComparison.Ordinal);
                output.Append(text, offset, next - offset).Append(replacement);
                offset = next + old.Length;
            }
            else
            {
                output.Append(replacement);
                next = offset < text.Length ? offset + CodePoints.LengthAt(text, offset) : offset;
                output.Append(text, offset, next - offset);
                offset = next;
            }
        }

        return output.Append(text, offset, text.Length - offset).ToString();
    }

    /// <summary>Occurrences of a non-empty text that do not overlap.</summary>
    public static int Count(string text, string part)
    {
        int count = 0;
        for (int offset = 0; (offset = text.IndexOf(part, offset, StringComparison.Ordinal)) >= 0; offset += part.Length)
        {
            count++;
        }

        return count;
    }

    /// <summary>str.split at a separator, at most so often; negative for always.</summary>
    public static List<string> Split(string text, string separator, int limit)
    {
        List<string> parts = [];
        int start = 0;
        int next;
        while ((limit < 0 || parts.Count < limit) && (next = text.IndexOf(separator, start, StringComparison.Ordinal)) >= 0)
        {
            parts.Add(text[start..next]);
            start = next + separator.Length;
        }

        parts.Add(text[start..]);
        return parts;
    }

    /// <summary>str.rsplit at a separator.</summary>
    public static List<string> SplitRight(string text, string separator, int limit)
    {
        List<string> parts = [];
        int end = text.Length;
        int next;
        while ((limit < 0 || parts.Count < limit) && end > 0
            && (next = text.AsSpan(0, end).LastIndexOf(separator, StringComparison.Ordinal)) >= 0)
        {
            parts.Add(text[(next + separator.Length)..end]);
            end = next;
        }

        parts.Add(text[..end]);
        parts.Reverse();
        return parts;
    }

    /// <summary>str.split at runs of white space.</summary>
    public static List<string> SplitSpace(string text, int limit)
    {
        List<string> parts = [];
        int offset = 0;
        while (true)
        {
            while (offset < text.Length && CodePoints.IsSpace(text[offset]))
            {
                offset++;
            }

            if (offset == text.Length)
            {
                return parts;
            }

            if (limit >= 0 && parts.Count >= limit)
            {
                parts.Add(text[offset..]);
                return parts;
            }

            int start = offset;
            while (offset < text.Length && !CodePoints.IsSpace(text[offset]))
            {
                offset++;
            }

            parts.Add(text[start..offset]);
        }
    }

    /// <summary>str.rsplit at runs of white space.</summary>
    public static List<string> SplitSpaceRight(string text, int limit)
    {
        List<string> parts = [];
        int offset = text.Length;
        while (true)
        {
            while (offset > 0 && CodePoints.IsSpace(text[offset - 1]))
            {
                offset--;
            }

            if (offset == 0)
            {
                break;
            }

            if (limit >= 0 && parts.Count >= limit)
            {
                parts.Add(text[..offset]);
                break;
            }

            int end = offset;
            while (offset > 0 && !CodePoints.IsSpace(text[offset - 1]))
            {
                offset--;
            }

            parts.Add(text[offset..end]);
        }

        parts.Reverse();
        return parts;
    }

    /// <summary>str.splitlines.</summary>
    public static List<string> SplitLines(string text, bool keepEnds)
    {
        List<string> lines = [];
        int start = 0;
        while (start < text.Length)
        {
            int end = start;
            while (end < text.Length && !CodePoints.IsLineEnd(text[end]))
            {
                end++;
            }

            int next = end == text.Length ? end : text[end] == '\r' && end + 1 < text.Length && text[end + 1] == '\n' ? end + 2 : end + 1;
            lines.Add(text[start..(keepEnds ? next : end)]);
            start = next;
        }

        return lines;
    }
}
