using Moesaic.Scheduling;

namespace Moesaic.Engine.Tests;

/// <summary>
/// A device whose next token depends on the token before it and the position. Runs a step when it is collected, and may be
/// told to fail or to hold still.
/// </summary>
internal sealed class FakeStepExecutor : IStepExecutor
{
    private readonly Queue<(long Id, int[] Ids, int[] Positions, int[] LogitRows, int[] SampleLogits, int[] Rows, int[] Sources)> _steps = new();
    private readonly StepResults _results = new(maxSamples: 64, maxAlternatives: 0);
    private int[] _sampled = [];

    public bool IsLost { get; set; }

    public bool IsDisposed { get; private set; }

    public int ThreadId { get; private set; }

    public int MostInFlight { get; private set; }

    public int Collected { get; private set; }

    /// <summary>Called before a step is enqueued; may throw.</summary>
    public Action<ScheduledStep>? OnEnqueue { get; set; }

    /// <summary>Called before a step is collected; may throw or wait.</summary>
    public Action<ScheduledStep>? OnCollect { get; set; }

    public static int Next(int token, int position) => (int)(((uint)((token * 31) + position) * 2654435761u) >> 20) % 1000;

    /// <summary>What a request gets when it runs alone.</summary>
    public static int[] Alone(int[] prompt, int count)
    {
        List<int> tokens = [.. prompt];
        for (int i = 0; i < count; i++)
        {
            tokens.Add(Next(tokens[^1], tokens.Count - 1));
        }

        return [.. tokens.Skip(prompt.Length)];
    }

    public void Enqueue(ScheduledStep step)
    {
        ThreadId = Environment.CurrentManagedThreadId;
        OnEnqueue?.Invoke(step);
        _steps.Enqueue((step.Id, step.TokenIds.ToArray(), step.Positions.ToArray(), step.LogitRows.ToArray(), step.SampleLogits.ToArray(), step.PlaceholderRows.ToArray(), step.PlaceholderSamples.ToArray()));
        MostInFlight = Math.Max(MostInFlight, _steps.Count);
    }

    public StepResults Collect(ScheduledStep step)
    {
        var run = _steps.Dequeue();
        Assert.That(run.Id, Is.EqualTo(step.Id));
        int[] before = _sampled;
        _sampled = new int[run.SampleLogits.Length];
        OnCollect?.Invoke(step);
        for (int i = 0; i < run.Rows.Length; i++)
        {
            run.Ids[run.Rows[i]] = before[run.Sources[i]];
        }

        for (int i = 0; i < _sampled.Length; i++)
        {
            int row = run.LogitRows[run.SampleLogits[i]];
            _sampled[i] = Next(run.Ids[row], run.Positions[row]);
        }

        _results.Begin(step.Id, _sampled.Length, 0);
        _sampled.CopyTo(_results.Ids);
        Collected++;
        return _results;
    }

    public void Dispose() => IsDisposed = true;
}
