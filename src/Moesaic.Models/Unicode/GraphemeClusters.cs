namespace Moesaic.Models.Unicode;

/// <summary>Extended grapheme clusters (Unicode Standard Annex 29), without the rule for Indic conjuncts (GB9c).</summary>
public static class GraphemeClusters
{
    private enum Break : byte
    {
        Other, CR, LF, Control, Extend, ZWJ, RegionalIndicator, Prepend, SpacingMark, L, V, T, LV, LVT,
    }

    /// <summary>The index after the cluster that starts at the given index, in UTF-16 units.</summary>
    public static int NextBoundary(ReadOnlySpan<char> text, int start)
    {
        int codePoint = UnicodeInfo.CodePointAt(text, start, out int length);
        int at = start + length;
        Break previous = BreakOf(codePoint);
        bool pictograph = UnicodeInfo.IsExtendedPictographic(codePoint);
        bool joinedPictograph = false;
        int indicators = previous == Break.RegionalIndicator ? 1 : 0;
        while (at < text.Length)
        {
            codePoint = UnicodeInfo.CodePointAt(text, at, out length);
            Break next = BreakOf(codePoint);
            bool nextPictograph = UnicodeInfo.IsExtendedPictographic(codePoint);
            if (!Joins(previous, next, joinedPictograph && nextPictograph, indicators))
            {
                break;
            }

            joinedPictograph = pictograph && next == Break.ZWJ;
            pictograph = nextPictograph || (pictograph && next == Break.Extend);
            indicators = next == Break.RegionalIndicator ? indicators + 1 : 0;
            previous = next;
            at += length;
        }

        return at;
    }

    private static Break BreakOf(int codePoint) => (Break)UnicodeTables.GraphemeBreak[codePoint];

    private static bool Joins(Break previous, Break next, bool emojiSequence, int indicators)
    {
        if (previous == Break.CR)
        {
            return next == Break.LF;
        }

        if (previous is Break.LF or Break.Control || next is Break.CR or Break.LF or Break.Control)
        {
            return false;
        }

        if (next is Break.Extend or Break.ZWJ or Break.SpacingMark || previous == Break.Prepend || emojiSequence)
        {
            return true;
        }

        return (previous, next) switch
        {
            (Break.L, Break.L or Break.V or Break.LV or Break.LVT) => true,
            (Break.LV or Break.V, Break.V or Break.T) => true,
            (Break.LVT or Break.T, Break.T) => true,
            (Break.RegionalIndicator, Break.RegionalIndicator) => indicators % 2 == 1,
            _ => false,
        };
    }
}
