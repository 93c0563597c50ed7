using Moesaic.Scheduling;

namespace Moesaic.Engine.Tests;

/// <summary>Runs the model, and puts given ids in the place of what it draws: one request at a time, so that a reply is known.</summary>
internal sealed class ScriptedExecutor(IStepExecutor inner, Func<int[]> script) : IStepExecutor
{
    private int[] _ids = [];
    private int _next;

    public bool IsLost => inner.IsLost;

    public void Enqueue(ScheduledStep step) => inner.Enqueue(step);

    public StepResults Collect(ScheduledStep step)
    {
        StepResults results = inner.Collect(step);
        int[] current = script();
        if (current != _ids)
        {
            (_ids, _next) = (current, 0);
        }

        foreach (ref int id in results.Ids)
        {
            // Past the end rows are dropped: the sequence has ended, and one step was already on its way.
            id = _next < _ids.Length ? _ids[_next++] : id;
        }

        return results;
    }

    public void Dispose() => inner.Dispose();
}
