using System.Collections.Immutable;

namespace Moesaic.Server.Metrics;

/// <summary>How a request can end, as metrics name it.</summary>
internal static class FinishLabels
{
    public const string Stop = "stop";
    public const string Length = "length";
    public const string ToolCalls = "tool_calls";

    /// <summary>The client cancelled or went away.</summary>
    public const string Abort = "abort";

    /// <summary>Its time ran out.</summary>
    public const string Timeout = "timeout";

    /// <summary>It was not taken.</summary>
    public const string Rejected = "rejected";

    public const string Error = "error";

    public static ImmutableArray<string> All { get; } = [Stop, Length, ToolCalls, Abort, Timeout, Rejected, Error];

    /// <exception cref="ArgumentException">It is none of them.</exception>
    public static int IndexOf(string label) => All.IndexOf(label) is >= 0 and var index
        ? index
        : throw new ArgumentException($"'{label}' is no way to end; expected one of {string.Join(", ", All)}.");
}
