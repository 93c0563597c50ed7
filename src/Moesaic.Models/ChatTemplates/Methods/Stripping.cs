using Moesaic.Models.ChatTemplates.Values;

namespace Moesaic.Models.ChatTemplates.Methods;

/// <summary>str.strip, lstrip and rstrip.</summary>
internal static class Stripping
{
    /// <param name="text">What to strip.</param>
    /// <param name="characters">The set of characters to take off, or null for white space.</param>
    /// <param name="left">Whether to strip the start.</param>
    /// <param name="right">Whether to strip the end.</param>
    public static string Strip(string text, string? characters, bool left, bool right)
    {
        HashSet<int>? set = characters is null ? null : [.. CodePoints.Each(characters)];
        int start = 0;
        int end = text.Length;
        while (left && start < end && Matches(set, CodePoints.At(text, start)))
        {
            start += CodePoints.LengthAt(text, start);
        }

        while (right && end > start)
        {
            int last = end >= 2 && char.IsLowSurrogate(text[end - 1]) && char.IsHighSurrogate(text[end - 2]) ? end - 2 : end - 1;
            if (last < start || !Matches(set, CodePoints.At(text, last)))
            {
                break;
            }

            end = last;
        }

        return text[start..end];
    }

    private static bool Matches(HashSet<int>? set, int c) => set is null ? c <= 0xFFFF && CodePoints.IsSpace((char)c) : set.Contains(c);
}
