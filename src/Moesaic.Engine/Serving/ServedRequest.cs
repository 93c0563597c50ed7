using System.Collections.Immutable;
using Moesaic.Scheduling;
using EndReason = Moesaic.Scheduling.FinishReason;

namespace Moesaic.Engine;

/// <summary>A request in the engine's hands.</summary>
internal sealed class ServedRequest
{
    // Continuations leave the engine's thread.
    private readonly TaskCompletionSource<SubmitResult> _admission = new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal ServedRequest(EngineLoop loop, Request request)
    {
        Request = request;
        Samples = [.. request.Sequences.Select(s => new TokenStream(loop, s))];
    }

    /// <summary>One for each sample. They end with <see cref="EndReason.Error"/> if the request is refused.</summary>
    public ImmutableArray<TokenStream> Samples { get; }

    /// <summary>Whether the request was taken, or why not.</summary>
    public Task<SubmitResult> Admission => _admission.Task;

    internal Request Request { get; }

    /// <summary>Ends all samples. Any thread, at any time.</summary>
    public void Cancel()
    {
        foreach (TokenStream sample in Samples)
        {
            sample.Stop(EndReason.Cancelled);
        }
    }

    internal void Decide(SubmitResult result)
    {
        if (!result.IsAccepted)
        {
            Fail();
        }

        _admission.TrySetResult(result);
    }

    internal void Fail(Exception? failure = null)
    {
        foreach (TokenStream sample in Samples)
        {
            if (sample.End == EndReason.None)
            {
                sample.Finish(EndReason.Error);
            }
        }

        if (failure is not null)
        {
            _admission.TrySetException(failure);
        }
    }
}
