using Moesaic.Scheduling;

namespace Moesaic.Engine;

/// <summary>An engine did not take a request.</summary>
public sealed class RequestRefusedException : Exception
{
    /// <param name="result">Why.</param>
    public RequestRefusedException(SubmitResult result)
        : base(result.Message) => Result = result;

    /// <summary>The reason with its values.</summary>
    public SubmitResult Result { get; }

    /// <summary>When the same request may be taken; null: never.</summary>
    public TimeSpan? RetryAfter => Result.IsTemporary ? Result.RetryAfter : null;
}
