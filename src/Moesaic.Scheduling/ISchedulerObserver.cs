namespace Moesaic.Scheduling;

/// <summary>Told what happens, on the scheduler's thread, after it happened. Must not call the scheduler.</summary>
public interface ISchedulerObserver
{
    /// <summary>A sequence runs, for the first time or again.</summary>
    /// <param name="sequence">The sequence.</param>
    /// <param name="cachedTokens">Its tokens that came from the cache.</param>
    void OnAdmitted(Sequence sequence, int cachedTokens)
    {
    }

    void OnPreempted(Sequence sequence)
    {
    }

    /// <summary>A sequence ended, for whatever reason; it holds no block and gets no more tokens.</summary>
    void OnFinished(Sequence sequence)
    {
    }

    void OnStep(in StepRecord record)
    {
    }
}
