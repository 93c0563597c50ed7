namespace Moesaic.Scheduling;

/// <summary>What became of a request that was handed in.</summary>
/// <param name="Reason"><see cref="RejectionReason.None"/> if it was taken.</param>
/// <param name="RetryAfter">When to try again, for reasons that pass: how long the queue as it stands will take.</param>
/// <param name="Actual">The value that was too much.</param>
/// <param name="Limit">The bound that it met.</param>
public readonly record struct SubmitResult(RejectionReason Reason, TimeSpan RetryAfter, long Actual, long Limit)
{
    public bool IsAccepted => Reason == RejectionReason.None;

    /// <summary>Whether the same request may be taken later.</summary>
    public bool IsTemporary => Reason is RejectionReason.QueueFull or RejectionReason.TenantQueueFull or RejectionReason.QueuedTokensFull;

    /// <summary>One sentence with the values and what to do.</summary>
    public string Message => Reason switch
    {
        RejectionReason.None => "The request was taken.",
        RejectionReason.QueueFull => $"{Limit} requests are waiting, the most that may: try again in {RetryAfter.TotalSeconds:0} s.",
        RejectionReason.TenantQueueFull => $"{Limit} requests of this client are waiting, the most that may: try again in {RetryAfter.TotalSeconds:0} s.",
        RejectionReason.QueuedTokensFull => $"Waiting prompts would hold {Actual} tokens, at most {Limit} may: try again in {RetryAfter.TotalSeconds:0} s.",
        RejectionReason.PromptTooLong => $"The prompt has {Actual} tokens, the context holds {Limit}: shorten it.",
        RejectionReason.CacheTooSmall => $"Prompt and generated tokens take {Actual} positions, which the cache cannot hold: ask for fewer tokens.",
        RejectionReason.TooManySamples => $"{Actual} samples were asked for, at most {Limit} sequences run at a time: ask for fewer.",
        RejectionReason.Draining => "The engine is finishing what it runs and takes nothing new: try another one.",
        RejectionReason.PromptLogitsUnavailable => "Log-probabilities of the prompt are switched off here.",
        _ => "The request's time is over.",
    };
}
