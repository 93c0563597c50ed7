namespace Moesaic.Models.Tokenizers.PreTokenizers;

/// <summary>Cuts a segment at matches.</summary>
internal static class Splitting
{
    [ThreadStatic]
    private static List<(int Start, int End)>? s_matches;

    [ThreadStatic]
    private static List<(int Start, int End, bool IsMatch)>? s_parts;

    /// <summary>An empty list for matches, reused by the thread.</summary>
    public static List<(int Start, int End)> RentMatches()
    {
        List<(int Start, int End)> matches = s_matches ??= [];
        matches.Clear();
        return matches;
    }

    /// <summary>Appends the parts of a segment; matches are in ascending order.</summary>
    public static void Cut(Segment segment, List<(int Start, int End)> matches, SplitBehavior behavior, bool invert, List<Segment> pieces)
    {
        if (behavior == SplitBehavior.Isolated)
        {
            Isolate(segment, matches, pieces);
            return;
        }

        List<(int Start, int End, bool IsMatch)> parts = s_parts ??= [];
        parts.Clear();
        int previous = 0;
        foreach ((int start, int end) in matches)
        {
            if (previous != start)
            {
                parts.Add((previous, start, invert));
            }

            parts.Add((start, end, !invert));
            previous = end;
        }

        if (previous != segment.Length)
        {
            parts.Add((previous, segment.Length, invert));
        }

        switch (behavior)
        {
            case SplitBehavior.Removed:
                foreach ((int start, int end, bool isMatch) in parts)
                {
                    if (!isMatch)
                    {
                        pieces.Add(segment.Slice(start, end));
                    }
                }

                break;
            case SplitBehavior.MergedWithNext:
                MergeWithNext(segment, parts, pieces);
                break;
            default:
                MergeForward(segment, parts, behavior == SplitBehavior.Contiguous, pieces);
                break;
        }
    }

    private static void Isolate(Segment segment, List<(int Start, int End)> matches, List<Segment> pieces)
    {
        int previous = 0;
        pieces.EnsureCapacity(pieces.Count + matches.Count + 1);
        foreach ((int start, int end) in matches)
        {
            if (previous != start)
            {
                pieces.Add(segment.Slice(previous, start));
            }

            pieces.Add(segment.Slice(start, end));
            previous = end;
        }

        if (previous != segment.Length)
        {
            pieces.Add(segment.Slice(previous, segment.Length));
        }
    }

    // Contiguous: neighbours of the same kind become one. Otherwise a match joins the part before it, unless that was a match.
    private static void MergeForward(Segment segment, List<(int Start, int End, bool IsMatch)> parts, bool contiguous, List<Segment> pieces)
    {
        bool previousMatch = false;
        int openStart = -1, openEnd = -1;
        foreach ((int start, int end, bool isMatch) in parts)
        {
            bool joins = contiguous ? isMatch == previousMatch : isMatch && !previousMatch;
            if (joins && openStart >= 0)
            {
                openEnd = end;
            }
            else
            {
                if (openStart >= 0)
                {
                    pieces.Add(segment.Slice(openStart, openEnd));
                }

                (openStart, openEnd) = (start, end);
            }

            previousMatch = isMatch;
        }

        if (openStart >= 0)
        {
            pieces.Add(segment.Slice(openStart, openEnd));
        }
    }

    private static void MergeWithNext(Segment segment, List<(int Start, int End, bool IsMatch)> parts, List<Segment> pieces)
    {
        int first = pieces.Count;
        bool previousMatch = false;
        for (int i = parts.Count - 1; i >= 0; i--)
        {
            (int start, int end, bool isMatch) = parts[i];
            if (isMatch && !previousMatch && pieces.Count > first)
            {
                Segment next = pieces[^1];
                pieces[^1] = segment.Slice(start, next.Start - segment.Start + next.Length);
            }
            else
            {
                pieces.Add(segment.Slice(start, end));
            }

            previousMatch = isMatch;
        }

        pieces.Reverse(first, pieces.Count - first);
    }
}
