using System.Collections.Immutable;
using Moesaic.Scheduling;
using EndReason = Moesaic.Scheduling.FinishReason;

namespace Moesaic.Engine;

/// <summary>A request in the engine's hands.</summary>
internal sealed class ServedRequest
{
    // Continuations leave the engine's thread.
    private readonly TaskCompletionSource<SubmitResult> _admission = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _admitted;
    private long _firstToken;
    private long _lastToken;
    private int _cachedTokens;

    /// <param name="loop">The loop that it was handed to.</param>
    /// <param name="request">The request.</param>
    /// <param name="now">The clock's timestamp.</param>
    /// <param name="draws">Makes the settings of a sample's draws; null: the executor needs none.</param>
    /// <param name="scores">Where log-probabilities of the prompt go, if wanted.</param>
    /// <param name="maxUnread">Tokens of a sample that may wait for its reader.</param>
    internal ServedRequest(EngineLoop loop, Request request, long now, Func<Sequence, DrawState>? draws, PromptScores? scores, int maxUnread = int.MaxValue)
    {
        Request = request;
        Submitted = now;
        Scores = scores;
        Samples = [.. request.Sequences.Select(s => new TokenStream(loop, this, s, draws?.Invoke(s)) { MaxUnread = maxUnread })];
    }

    /// <summary>One for each sample. They end with <see cref="EndReason.Error"/> if the request is refused.</summary>
    public ImmutableArray<TokenStream> Samples { get; }

    /// <summary>Whether the request was taken, or why not.</summary>
    public Task<SubmitResult> Admission => _admission.Task;

    /// <summary>Timestamp at which it was handed in.</summary>
    public long Submitted { get; }

    /// <summary>Timestamp at which it first ran; 0: it has not yet.</summary>
    public long Admitted => Volatile.Read(ref _admitted);

    /// <summary>Timestamp of the first token of any sample; 0: there is none yet.</summary>
    public long FirstToken => Volatile.Read(ref _firstToken);

    /// <summary>Timestamp of the latest token; 0: there is none yet.</summary>
    public long LastToken => Volatile.Read(ref _lastToken);

    /// <summary>Prompt tokens that came from the cache, known once it runs.</summary>
    public int CachedTokens => Volatile.Read(ref _cachedTokens);

    internal Request Request { get; }

    internal PromptScores? Scores { get; }

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
            End();
        }

        _admission.TrySetResult(result);
    }

    /// <summary>The engine is gone.</summary>
    internal void Fail(Exception failure)
    {
        End(failure);
        _admission.TrySetException(failure);
    }

    internal void NoteAdmission(long now, int cachedTokens)
    {
        if (_admitted == 0)
        {
            Volatile.Write(ref _cachedTokens, cachedTokens);
            Volatile.Write(ref _admitted, now);
        }
    }

    internal void NoteToken(long now)
    {
        if (_firstToken == 0)
        {
            Volatile.Write(ref _firstToken, now);
        }

        Volatile.Write(ref _lastToken, now);
    }

    private void End(Exception? failure = null)
    {
        foreach (TokenStream sample in Samples)
        {
            if (sample.End == EndReason.None)
            {
                sample.Finish(EndReason.Error, failure);
            }
        }

        Scores?.End();
    }
}
