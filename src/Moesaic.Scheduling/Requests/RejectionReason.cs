namespace Moesaic.Scheduling;

/// <summary>Why a request was not taken.</summary>
public enum RejectionReason
{
    None = 0,

    /// <summary>The waiting queue holds as many requests as it may. Try again later.</summary>
    QueueFull,

    /// <summary>The tenant has as many requests waiting as it may. Try again later.</summary>
    TenantQueueFull,

    /// <summary>The waiting queue holds as many prompt tokens as it may. Try again later.</summary>
    QueuedTokensFull,

    /// <summary>The prompt is longer than the context.</summary>
    PromptTooLong,

    /// <summary>The cache is too small for the prompt and the tokens asked for, even with nothing else running.</summary>
    CacheTooSmall,

    /// <summary>More samples than sequences may run at a time.</summary>
    TooManySamples,

    /// <summary>The prompt's logits are wanted, but the bound on rows of logits leaves none for them.</summary>
    PromptLogitsUnavailable,

    /// <summary>The time it has is over already.</summary>
    DeadlinePassed,

    /// <summary>Nothing is taken any more, as what runs is being finished.</summary>
    Draining,
}
