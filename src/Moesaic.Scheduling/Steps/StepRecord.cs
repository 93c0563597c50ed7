namespace Moesaic.Scheduling;

/// <summary>What one call of <see cref="Scheduler.Schedule"/> did.</summary>
public readonly record struct StepRecord
{
    /// <summary>The step's id.</summary>
    public long Step { get; init; }

    /// <summary>Scheduler time.</summary>
    public TimeSpan Time { get; init; }

    /// <summary>Tokens that the step might have had.</summary>
    public int Budget { get; init; }

    /// <summary>Sequences that compute one new token.</summary>
    public int Decodes { get; init; }

    /// <summary>Sequences that compute a part of what is known.</summary>
    public int PrefillChunks { get; init; }

    /// <summary>Tokens of these.</summary>
    public int PrefillTokens { get; init; }

    /// <summary>Of these, tokens computed before and lost by preemption.</summary>
    public int RecomputedTokens { get; init; }

    /// <summary>Sequences admitted, again or for the first time.</summary>
    public int Admitted { get; init; }

    /// <summary>Tokens of these that came from the cache.</summary>
    public int CachedTokens { get; init; }

    public int Preempted { get; init; }

    /// <summary>Running sequences that got nothing for want of blocks.</summary>
    public int Stalled { get; init; }

    /// <summary>Requests that ran out of time since the step before.</summary>
    public int Expired { get; init; }

    /// <summary>Blocks copied before they are written.</summary>
    public int Copies { get; init; }

    /// <summary>Sequences running after this.</summary>
    public int Running { get; init; }

    /// <summary>Requests waiting after this.</summary>
    public int Waiting { get; init; }

    /// <summary>Used blocks of all groups.</summary>
    public int UsedBlocks { get; init; }

    public int Tokens => Decodes + PrefillTokens;

    /// <summary>Whether decodes and prefill shared the step.</summary>
    public bool IsMixed => Decodes > 0 && PrefillChunks > 0;
}
