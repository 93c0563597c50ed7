using System.Collections.Immutable;

namespace Moesaic.Scheduling;

/// <summary>What a request asks for, as far as scheduling goes.</summary>
public sealed record RequestOptions
{
    /// <summary>Prompt tokens, at least one; not changed by anyone while the request lives.</summary>
    public required ReadOnlyMemory<int> Prompt { get; init; }

    /// <summary>Tokens to generate, for each sample; 0: compute the prompt only; null: as many as context and cache hold.</summary>
    public int? MaxTokens { get; init; }

    /// <summary>Tokens that end a sample; the ending one is part of the result.</summary>
    public ImmutableArray<int> StopIds { get; init; } = [];

    /// <summary>Samples of the same prompt; they share the prompt's blocks.</summary>
    public int NumSamples { get; init; } = 1;

    /// <summary>Lower is sooner; counts up to <see cref="SchedulerOptions.PriorityRange"/> in either direction.</summary>
    public int Priority { get; init; }

    /// <summary>Whose share it counts towards, and within whom blocks are shared.</summary>
    public string Tenant { get; init; } = string.Empty;

    /// <summary>The tenant's weight: twice the weight, twice the tokens. The latest submitted value counts.</summary>
    public int TenantWeight { get; init; } = 1;

    /// <summary>Keeps requests of one tenant from sharing blocks unless they have the same salt.</summary>
    public string CacheSalt { get; init; } = string.Empty;

    /// <summary>Time from preparation to the end; null: no limit.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>Time from preparation until it first runs; null: no limit.</summary>
    public TimeSpan? QueueTimeout { get; init; }

    /// <summary>Every row of the prompt gives logits; nothing of it comes from the cache.</summary>
    public bool WantsPromptLogits { get; init; }

    /// <summary>The caller's own data.</summary>
    public object? Tag { get; init; }

    /// <exception cref="ArgumentException">A value is impossible.</exception>
    internal void Validate()
    {
        if (Prompt.IsEmpty)
        {
            throw new ArgumentException("The prompt has no tokens; expected at least one.");
        }

        if (MaxTokens < 0 || NumSamples < 1 || TenantWeight < 1)
        {
            throw new ArgumentException($"{MaxTokens} tokens, {NumSamples} samples, weight {TenantWeight}: expected at least 0, 1 and 1.");
        }

        if (MaxTokens == 0 && NumSamples > 1)
        {
            throw new ArgumentException($"{NumSamples} samples of 0 tokens; expected one.");
        }

        ArgumentNullException.ThrowIfNull(Tenant);
        ArgumentNullException.ThrowIfNull(CacheSalt);
    }
}
