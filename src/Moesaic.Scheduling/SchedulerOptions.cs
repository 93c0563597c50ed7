using System.Collections.Immutable;

namespace Moesaic.Scheduling;

/// <summary>Bounds and policy of a scheduler; memory for the bounds is taken once.</summary>
public sealed record SchedulerOptions
{
    /// <summary>Cache groups, in the order of the executor's page tables.</summary>
    public required ImmutableArray<KvGroupOptions> KvGroups { get; init; }

    /// <summary>Most positions of one sequence.</summary>
    public required int MaxContext { get; init; }

    /// <summary>Sequences that run at a time; a request counts as many as it has samples.</summary>
    public int MaxSequences { get; init; } = 256;

    /// <summary>Tokens of one step. At least <see cref="MaxSequences"/>, so that no decode ever waits for another.</summary>
    public int MaxTokensPerStep { get; init; } = 2048;

    /// <summary>Prompt tokens of one sequence in one step; null: only the step's budget bounds them.</summary>
    public int? MaxPrefillChunk { get; init; }

    /// <summary>Rows of logits of one step. What exceeds <see cref="MaxSequences"/> serves requests that want their prompt's logits.</summary>
    public int? MaxLogitRows { get; init; }

    /// <summary>Requests in the waiting queue.</summary>
    public int MaxWaiting { get; init; } = 1024;

    /// <summary>Requests of one tenant in the waiting queue; null: only <see cref="MaxWaiting"/> bounds them.</summary>
    public int? MaxWaitingPerTenant { get; init; }

    /// <summary>Prompt tokens in the waiting queue, which bounds its memory.</summary>
    public long MaxWaitingTokens { get; init; } = 8 << 20;

    /// <summary>Reuse blocks of equal prefixes.</summary>
    public bool PrefixCaching { get; init; } = true;

    /// <summary>How much earlier than it did a request counts as having arrived, for each level of priority. As every
    /// request ages alike, this keeps their order fixed and bounds how long anyone can be overtaken.</summary>
    public TimeSpan PriorityStep { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>What a generated token counts towards its tenant's share, in prompt tokens.</summary>
    public int DecodeCharge { get; init; } = 2;

    /// <summary>Blocks of each group left to the running sequences when a request is admitted; null: a hundredth.</summary>
    public int? ReserveBlocks { get; init; }

    /// <summary>Steps that the log remembers.</summary>
    public int StepLogCapacity { get; init; } = 256;

    /// <summary>16 secret bytes that key the block hashes; null: random ones.</summary>
    public ReadOnlyMemory<byte>? HashKey { get; init; }

    /// <summary>The most a priority counts in either direction; values past it count as this.</summary>
    public const int PriorityRange = 1000;

    internal int LogitRows => MaxLogitRows ?? MaxSequences;

    internal int PromptLogitRows => LogitRows - MaxSequences;

    /// <exception cref="ArgumentException">A bound is impossible.</exception>
    internal void Validate()
    {
        if (KvGroups.IsDefaultOrEmpty)
        {
            throw new ArgumentException("There are no cache groups; expected at least one.");
        }

        foreach (KvGroupOptions group in KvGroups)
        {
            group.Validate();
        }

        Require(MaxContext >= 1, nameof(MaxContext), MaxContext, "at least 1");
        Require(MaxSequences >= 1, nameof(MaxSequences), MaxSequences, "at least 1");
        Require(MaxTokensPerStep >= MaxSequences, nameof(MaxTokensPerStep), MaxTokensPerStep, $"at least MaxSequences ({MaxSequences})");
        Require(MaxPrefillChunk is null or >= 1, nameof(MaxPrefillChunk), MaxPrefillChunk ?? 0, "at least 1");
        Require(LogitRows >= MaxSequences, nameof(MaxLogitRows), LogitRows, $"at least MaxSequences ({MaxSequences})");
        Require(MaxWaiting >= 1, nameof(MaxWaiting), MaxWaiting, "at least 1");
        Require(MaxWaitingPerTenant is null or >= 1, nameof(MaxWaitingPerTenant), MaxWaitingPerTenant ?? 0, "at least 1");
        Require(MaxWaitingTokens >= 1, nameof(MaxWaitingTokens), MaxWaitingTokens, "at least 1");
        Require(PriorityStep >= TimeSpan.Zero && PriorityStep <= TimeSpan.FromDays(1), nameof(PriorityStep), PriorityStep.Ticks, "0 to 1 day");
        Require(DecodeCharge is >= 0 and <= 1000, nameof(DecodeCharge), DecodeCharge, "0 to 1000");
        Require(ReserveBlocks is null or >= 0, nameof(ReserveBlocks), ReserveBlocks ?? 0, "not negative");
        Require(StepLogCapacity >= 1, nameof(StepLogCapacity), StepLogCapacity, "at least 1");
        Require(HashKey is null || HashKey.Value.Length == PrefixHasher.KeyBytes, nameof(HashKey), HashKey?.Length ?? 0, $"{PrefixHasher.KeyBytes} bytes");
    }

    private static void Require(bool condition, string name, long value, string expected)
    {
        if (!condition)
        {
            throw new ArgumentException($"{name} is {value}, expected {expected}.");
        }
    }
}
