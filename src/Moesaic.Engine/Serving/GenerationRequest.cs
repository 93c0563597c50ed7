namespace Moesaic.Engine;

/// <summary>A prompt and what is wanted for it.</summary>
public sealed record GenerationRequest
{
    /// <summary>Token ids, at least one; not changed by anyone while the request lives.</summary>
    public required ReadOnlyMemory<int> Prompt { get; init; }

    /// <summary>How tokens are chosen and when an answer ends. <see cref="SamplingParameters.SampleIndex"/> is that of the first sample.</summary>
    public SamplingParameters Sampling { get; init; } = new();

    /// <summary>Answers to the same prompt; they share its cache blocks.</summary>
    public int NumSamples { get; init; } = 1;

    /// <summary>Lower is sooner, among the requests of one tenant.</summary>
    public int Priority { get; init; }

    /// <summary>Whose share it counts towards, and within whom cache blocks are shared.</summary>
    public string Tenant { get; init; } = string.Empty;

    /// <summary>The tenant's weight: twice the weight, twice the tokens. The latest value counts.</summary>
    public int TenantWeight { get; init; } = 1;

    /// <summary>Keeps requests of one tenant from sharing cache blocks unless they have the same salt.</summary>
    public string CacheSalt { get; init; } = string.Empty;

    /// <summary>Time from submission to the end; null: no limit.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>Time from submission until it first runs; null: no limit.</summary>
    public TimeSpan? QueueTimeout { get; init; }

    /// <summary>Tokens of an answer that may wait for its reader; one more cancels it (<see cref="GenerationSample.FellBehind"/>). Null: all.</summary>
    public int? MaxUnreadTokens { get; init; }

    /// <summary>Log-probabilities of the prompt's tokens are wanted, with so many alternatives each; null: they are not.</summary>
    public int? PromptLogprobs { get; init; }

    /// <summary>Whether special tokens are left out of the text.</summary>
    public bool SkipSpecialTokens { get; init; } = true;

    /// <summary>Whether the stop string that ends an answer is part of its text.</summary>
    public bool IncludeStopString { get; init; }

    /// <summary>Whether tokens are decoded to text; null: if the model has a usable tokenizer. Without text there are no stop strings.</summary>
    public bool? WantsText { get; init; }
}
