namespace Moesaic.Scheduling;

/// <summary>Totals since the start; gauges are on <see cref="Scheduler"/>. Written by the scheduler's thread; others may read
/// them at any time and see values of slightly different moments.</summary>
public sealed class SchedulerCounters
{
    public long Steps { get; internal set; }

    public long RequestsAccepted { get; internal set; }

    public long RequestsRejected { get; internal set; }

    /// <summary>Sequences that ended, by <see cref="FinishReason"/>.</summary>
    public ReadOnlySpan<long> SequencesFinished => Finished;

    public long Preemptions { get; internal set; }

    /// <summary>Prompt tokens of requests that began to run.</summary>
    public long PrefixCacheQueries { get; internal set; }

    /// <summary>Of these, tokens found in the cache.</summary>
    public long PrefixCacheHits { get; internal set; }

    /// <summary>Prefill tokens scheduled, recomputed ones included.</summary>
    public long PrefillTokens { get; internal set; }

    public long RecomputedTokens { get; internal set; }

    /// <summary>Tokens drawn and accepted.</summary>
    public long GeneratedTokens { get; internal set; }

    /// <summary>Rows whose sequence had ended by the time that their step was complete.</summary>
    public long DiscardedRows { get; internal set; }

    internal long[] Finished { get; } = new long[Enum.GetValues<FinishReason>().Length];
}
