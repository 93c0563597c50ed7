namespace Moesaic.Scheduling;

/// <summary>Why a sequence ended.</summary>
public enum FinishReason
{
    /// <summary>It goes on.</summary>
    None = 0,

    /// <summary>A token of the request's stop ids was drawn, or the engine found a stop string.</summary>
    Stop,

    /// <summary>As many tokens as asked for, or as the context or the cache holds.</summary>
    Length,

    Cancelled,

    /// <summary>The request's time ran out, waiting or running.</summary>
    DeadlineExceeded,

    /// <summary>Its step failed, or nothing could be drawn.</summary>
    Error,
}
