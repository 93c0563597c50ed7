using Moesaic.Scheduling;

namespace Moesaic.Engine;

/// <summary>Runs scheduled steps, in order. Called by the engine's thread only.</summary>
internal interface IStepExecutor : IDisposable
{
    /// <summary>Whether nothing can be run any more, as after the loss of the device.</summary>
    bool IsLost { get; }

    /// <summary>Enqueues a step and returns without waiting for it. Placeholders stand for draws of the step enqueued before;
    /// if that one failed, any id will do, as these rows will be dropped.</summary>
    void Enqueue(ScheduledStep step);

    /// <summary>Waits for the oldest enqueued step.</summary>
    /// <param name="step">That step.</param>
    /// <param name="sampled">[samples] receives the drawn ids; negative where nothing could be drawn.</param>
    void Collect(ScheduledStep step, Span<int> sampled);
}
