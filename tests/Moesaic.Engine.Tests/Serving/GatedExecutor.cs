using Moesaic.Scheduling;

namespace Moesaic.Engine.Tests;

/// <summary>Stands between the loop and the real executor, to hold steps still, to count and to break them.</summary>
internal sealed class GatedExecutor(IStepExecutor inner) : IStepExecutor
{
    private int _collecting;
    private bool _isLost;

    /// <summary>Called on the loop's thread before a step is collected, with its number from 1; may wait or throw.</summary>
    public Action<int>? OnCollect { get; set; }

    /// <summary>Collections begun.</summary>
    public int NumCollecting => Volatile.Read(ref _collecting);

    public bool IsLost
    {
        get => Volatile.Read(ref _isLost) || inner.IsLost;
        set => Volatile.Write(ref _isLost, value);
    }

    public void Enqueue(ScheduledStep step) => inner.Enqueue(step);

    public StepResults Collect(ScheduledStep step)
    {
        int number = Interlocked.Increment(ref _collecting);
        StepResults results = inner.Collect(step);
        OnCollect?.Invoke(number);
        return results;
    }

    public void Dispose() => inner.Dispose();
}
