namespace Moesaic.Engine;

/// <summary>Bounds and policy of an <see cref="InferenceEngine"/>; memory for the bounds is taken once.</summary>
public sealed record ServingOptions
{
    /// <summary>Sequences that run at a time; a request counts as many as it has samples.</summary>
    public int MaxSequences { get; init; } = 64;

    /// <summary>Tokens of one step, over all sequences; at least <see cref="MaxSequences"/>.</summary>
    public int MaxTokensPerStep { get; init; } = 512;

    /// <summary>Prompt tokens of one sequence in one step; null: only <see cref="MaxTokensPerStep"/> bounds them.</summary>
    public int? MaxPrefillChunk { get; init; }

    /// <summary>Bytes of the key-value cache; null: half of the memory that is left, at least one sequence of full context and at
    /// most all sequences of full context.</summary>
    public long? KvCacheBytes { get; init; }

    /// <summary>Positions of a cache block, a multiple of 16: what is shared between prompts is whole blocks.</summary>
    public int BlockTokens { get; init; } = 64;

    /// <summary>Requests in the waiting queue.</summary>
    public int MaxWaiting { get; init; } = 1024;

    /// <summary>Requests of one tenant in the waiting queue; null: only <see cref="MaxWaiting"/> bounds them.</summary>
    public int? MaxWaitingPerTenant { get; init; }

    /// <summary>Prompt tokens in the waiting queue, which bounds its memory.</summary>
    public long MaxWaitingTokens { get; init; } = 8 << 20;

    /// <summary>Reuse the blocks of equal prefixes.</summary>
    public bool PrefixCaching { get; init; } = true;

    /// <summary>Whether requests may ask for log-probabilities of their prompt, for which rows of logits are kept.</summary>
    public bool PromptLogprobs { get; init; } = true;

    /// <summary>For queueing times and deadlines.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Steps that the log remembers.</summary>
    public int StepLogCapacity { get; init; } = 256;

    /// <exception cref="ArgumentException">A bound is impossible; the message names it.</exception>
    internal void Validate()
    {
        Require(MaxSequences >= 1, nameof(MaxSequences), MaxSequences, "at least 1");
        Require(MaxTokensPerStep >= MaxSequences, nameof(MaxTokensPerStep), MaxTokensPerStep, $"at least MaxSequences ({MaxSequences}), so that every sequence can decode in every step");
        Require(MaxPrefillChunk is null or >= 1, nameof(MaxPrefillChunk), MaxPrefillChunk ?? 0, "at least 1");
        Require(KvCacheBytes is null or >= 1, nameof(KvCacheBytes), KvCacheBytes ?? 0, "at least 1");
        Require(BlockTokens >= 16 && BlockTokens % 16 == 0, nameof(BlockTokens), BlockTokens, "a multiple of 16");
        Require(MaxWaiting >= 1, nameof(MaxWaiting), MaxWaiting, "at least 1");
        Require(MaxWaitingPerTenant is null or >= 1, nameof(MaxWaitingPerTenant), MaxWaitingPerTenant ?? 0, "at least 1");
        Require(MaxWaitingTokens >= 1, nameof(MaxWaitingTokens), MaxWaitingTokens, "at least 1");
        Require(StepLogCapacity >= 1, nameof(StepLogCapacity), StepLogCapacity, "at least 1");
        ArgumentNullException.ThrowIfNull(Clock);
    }

    private static void Require(bool holds, string name, long value, string expected)
    {
        if (!holds)
        {
            throw new ArgumentException($"{name} is {value}; expected {expected}.", name);
        }
    }
}
