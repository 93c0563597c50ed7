using System.Collections.Immutable;
using System.Text;

namespace Moesaic.Engine;

/// <summary>
/// Finds stop strings in streamed text, also across the borders of its pieces, and holds back whatever may still become one.
/// </summary>
/// <param name="stops">The stop strings.</param>
/// <param name="includeStop">Whether the stop string that is found belongs to the answer.</param>
internal sealed class StopStringFilter(ImmutableArray<string> stops, bool includeStop = false)
{
    private readonly StringBuilder _held = new();

    /// <summary>Whether a stop string was found; what follows it is dropped.</summary>
    public bool IsStopped => Matched is not null;

    /// <summary>The stop string that was found.</summary>
    public string? Matched { get; private set; }

    /// <summary>Takes a piece and returns the text that is certain to belong to the answer.</summary>
    public string Push(string piece)
    {
        if (IsStopped)
        {
            return string.Empty;
        }

        if (stops.IsEmpty)
        {
            return piece;
        }

        _held.Append(piece);
        string text = _held.ToString();
        (int at, Matched) = FirstStop(text);
        if (Matched is not null)
        {
            _held.Clear();
            return text[..(includeStop ? at + Matched.Length : at)];
        }

        int keep = LongestOpenEnd(text);
        _held.Clear().Append(text, text.Length - keep, keep);
        return text[..^keep];
    }

    /// <summary>The end of the text: what was held back belongs to the answer after all.</summary>
    public string Flush()
    {
        string rest = _held.ToString();
        _held.Clear();
        return rest;
    }

    private (int At, string? Stop) FirstStop(string text)
    {
        (int At, string? Stop) first = (-1, null);
        foreach (string stop in stops)
        {
            int at = text.IndexOf(stop, StringComparison.Ordinal);
            if (at >= 0 && (first.Stop is null || at < first.At))
            {
                first = (at, stop);
            }
        }

        return first;
    }

    // Length of the longest end of the text that is the beginning of a stop string.
    private int LongestOpenEnd(string text)
    {
        int longest = 0;
        foreach (string stop in stops)
        {
            for (int length = Math.Min(stop.Length - 1, text.Length); length > longest; length--)
            {
                if (text.AsSpan(text.Length - length).SequenceEqual(stop.AsSpan(0, length)))
                {
                    longest = length;
                    break;
                }
            }
        }

        return longest;
    }
}
