using System.Collections.Immutable;

namespace Moesaic.Scheduling;

/// <summary>A prompt and the samples drawn for it. Made by <see cref="Scheduler.Prepare"/>.</summary>
public sealed class Request
{
    internal Request(RequestOptions options, PromptHashes hashes, int maxTokens, TimeSpan prepared)
    {
        Prepared = prepared;
        Options = options;
        Hashes = hashes;
        MaxTokens = maxTokens;
        Prompt = options.Prompt;
        AskedSamples = options.NumSamples;
        ImmutableArray<Sequence>.Builder sequences = ImmutableArray.CreateBuilder<Sequence>(options.NumSamples);
        for (int i = 0; i < options.NumSamples; i++)
        {
            sequences.Add(new Sequence(this, i));
        }

        Sequences = sequences.MoveToImmutable();
    }

    public RequestOptions Options { get; }

    public ReadOnlyMemory<int> Prompt { get; }

    /// <summary>One for each sample.</summary>
    public ImmutableArray<Sequence> Sequences { get; }

    /// <summary>Most tokens a sample can have here.</summary>
    public int MaxTokens { get; }

    /// <summary>Order of submission, from 1; 0 before.</summary>
    public long Number { get; internal set; }

    /// <summary>Scheduler time at which it was prepared: its own time limits count from here.</summary>
    public TimeSpan Prepared { get; }

    /// <summary>Scheduler time of submission.</summary>
    public TimeSpan Submitted { get; internal set; }

    /// <summary>Scheduler time at which it first ran; null: it has not yet.</summary>
    public TimeSpan? Admitted { get; internal set; }

    /// <summary>Prompt tokens that came from the cache when it first ran.</summary>
    public int CachedTokens { get; internal set; }

    /// <summary>Samples that have not ended.</summary>
    public int NumLive { get; internal set; }

    /// <summary>Samples asked for, which are more than <see cref="Sequences"/> if the request will be refused for it.</summary>
    internal int AskedSamples { get; init; }

    internal PromptHashes Hashes { get; }

    internal Tenant? Tenant { get; set; }

    /// <summary>Order among waiting and running ones: time of submission, shifted by the priority.</summary>
    internal long Rank { get; set; }

    /// <summary>When it runs out of time next, in ticks of scheduler time.</summary>
    internal long Expiry { get; set; } = long.MaxValue;

    internal ref int ExpiryIndex => ref _expiryIndex;

    internal ref int WaitingIndex => ref _waitingIndex;

    private int _expiryIndex = -1;
    private int _waitingIndex = -1;

    /// <summary>Whether this one goes before another: by rank, then by order of submission.</summary>
    internal bool IsBefore(Request other) => Rank != other.Rank ? Rank < other.Rank : Number < other.Number;
}
