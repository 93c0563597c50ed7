namespace Moesaic.Engine;

/// <summary>Why generation ended.</summary>
public enum FinishReason
{
    /// <summary>It has not ended.</summary>
    None,

    /// <summary>An end token of the model or of the request was drawn.</summary>
    StopId,

    /// <summary>A stop string appeared.</summary>
    StopString,

    /// <summary>The most tokens allowed were generated, or the context is full.</summary>
    Length,

    /// <summary>The caller cancelled.</summary>
    Cancelled,

    /// <summary>The time given to the request ran out, waiting or running.</summary>
    TimedOut,

    /// <summary>The request was refused, its step failed, or nothing could be drawn.</summary>
    Failed,
}
