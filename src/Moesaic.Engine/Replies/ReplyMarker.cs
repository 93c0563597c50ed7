using System.Collections.Immutable;

namespace Moesaic.Engine;

internal enum ReplyMarkerKind
{
    /// <summary>Begins the thinking.</summary>
    ReasoningOpen,

    /// <summary>Ends the thinking.</summary>
    ReasoningClose,

    /// <summary>Begins a call in one of several ways.</summary>
    Call,

    /// <summary>Ends a group of calls.</summary>
    Trailer,

    /// <summary>A special token without meaning in the format.</summary>
    Dropped,
}

/// <summary>A text that a parser looks for.</summary>
internal sealed record ReplyMarker(string Text, ReplyMarkerKind Kind, ImmutableArray<CallPattern> Patterns = default)
{
    /// <summary>The markers of a format, as far as a request wants them.</summary>
    public static ImmutableArray<ReplyMarker> Of(ReplyFormat format, ReplyParserOptions options)
    {
        ReplyFormatDescription description = format.Description;
        List<ReplyMarker> markers = [];
        if (options.Reasoning)
        {
            markers.Add(new ReplyMarker(description.ReasoningOpen, ReplyMarkerKind.ReasoningOpen));
            markers.Add(new ReplyMarker(description.ReasoningClose, ReplyMarkerKind.ReasoningClose));
        }

        if (options.Tools)
        {
            markers.AddRange(description.Calls.GroupBy(static call => call.Opener)
                .Select(static group => new ReplyMarker(group.Key, ReplyMarkerKind.Call, [.. group])));
            if (description.Trailer is { } trailer)
            {
                markers.Add(new ReplyMarker(trailer, ReplyMarkerKind.Trailer));
            }
        }

        if (format.KeepsSpecialTokens && !options.ShowSpecialTokens)
        {
            // Markers inside a call's pattern mean something only there: outside they are as foreign as any other.
            HashSet<string> known = [.. markers.Select(static marker => marker.Text)];
            markers.AddRange(format.SpecialTokens.Where(token => !known.Contains(token)).Select(static token => new ReplyMarker(token, ReplyMarkerKind.Dropped)));
        }

        return [.. markers];
    }
}
