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

    /// <summary>Waits for the oldest enqueued step, and throws what it failed with.</summary>
    StepResults Collect(ScheduledStep step);
}
