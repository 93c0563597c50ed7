using System.Runtime.ExceptionServices;
using Moesaic.Interop;
using Moesaic.Scheduling;

namespace Moesaic.Engine;

/// <summary>
/// Runs steps on a thread of its own, which is worker 0 of the device's pool, so that the engine's thread publishes one step
/// while the next one runs. Waits without spinning: the processors belong to the pool.
/// </summary>
internal sealed class ModelStepExecutor : IStepExecutor
{
    private readonly StepRunner _runner;
    private readonly Slot[] _slots;
    private readonly object _gate = new();
    private readonly Thread _thread;
    private long _enqueued;
    private long _run;
    private long _collected;
    private bool _stopping;
    private volatile bool _lost;

    /// <param name="runner">Disposed with this.</param>
    public ModelStepExecutor(StepRunner runner)
    {
        _runner = runner;
        _slots = [.. Enumerable.Range(0, Scheduler.MaxStepsInFlight).Select(_ => new Slot(runner.MaxSequences))];
        _thread = new Thread(RunSteps) { Name = "Moesaic executor", IsBackground = true };
        _thread.Start();
    }

    public bool IsLost => _lost;

    public void Enqueue(ScheduledStep step)
    {
        lock (_gate)
        {
            _slots[_enqueued % _slots.Length].Step = step;
            _enqueued++;
            Monitor.PulseAll(_gate);
        }
    }

    public StepResults Collect(ScheduledStep step)
    {
        Slot slot = _slots[_collected % _slots.Length];
        lock (_gate)
        {
            while (_run <= _collected)
            {
                Monitor.Wait(_gate);
            }
        }

        _collected++;
        slot.Step = null;
        if (slot.Failure is { } failure)
        {
            slot.Failure = null;
            ExceptionDispatchInfo.Throw(failure);
        }

        return slot.Results;
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _stopping = true;
            Monitor.PulseAll(_gate);
        }

        _thread.Join();
        _runner.Dispose();
    }

    private void RunSteps()
    {
        while (WaitForStep())
        {
            Slot slot = _slots[_run % _slots.Length];
            StepResults before = _slots[(_run + _slots.Length - 1) % _slots.Length].Results;
            try
            {
                _runner.Run(slot.Step!, before, slot.Results);
            }
            catch (Exception failure)
            {
                // Whatever it was, it is told where the step is collected, and whoever waits goes on.
                slot.Results.Begin(slot.Step!.Id, 0, 0);
                slot.Failure = failure;
                _lost |= failure is NativeException { ErrorClass: NativeErrorClass.DeviceLost };
            }

            lock (_gate)
            {
                _run++;
                Monitor.PulseAll(_gate);
            }
        }
    }

    private bool WaitForStep()
    {
        lock (_gate)
        {
            while (_run == _enqueued && !_stopping)
            {
                Monitor.Wait(_gate);
            }

            return _run < _enqueued;
        }
    }

    private sealed class Slot(int maxSequences)
    {
        public ScheduledStep? Step { get; set; }

        public Exception? Failure { get; set; }

        public StepResults Results { get; } = new(maxSequences);
    }
}
