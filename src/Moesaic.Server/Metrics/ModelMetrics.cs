namespace Moesaic.Server.Metrics;

/// <summary>What was counted and timed for one model. Times in seconds.</summary>
internal sealed class ModelMetrics
{
    // From a fast decode step to a long generation; the same orders of magnitude as other engines use.
    private static readonly double[] Latencies =
        [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80, 160, 640, 2560];

    private static readonly double[] TokenTimes =
        [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5, 10, 20, 40, 80];

    private readonly long[] _finished = new long[FinishLabels.All.Length];

    /// <summary>From arrival to the first token.</summary>
    public Histogram TimeToFirstToken { get; } = new(Latencies);

    /// <summary>Between two tokens of a sample.</summary>
    public Histogram InterTokenLatency { get; } = new(TokenTimes);

    /// <summary>From the first token to the last, over the tokens after the first; once a request.</summary>
    public Histogram TimePerOutputToken { get; } = new(TokenTimes);

    /// <summary>From arrival to the end.</summary>
    public Histogram EndToEnd { get; } = new(Latencies);

    /// <summary>From arrival until it first ran.</summary>
    public Histogram QueueTime { get; } = new(Latencies);

    /// <summary>From when it first ran to the first token.</summary>
    public Histogram PrefillTime { get; } = new(Latencies);

    /// <summary>From the first token to the last.</summary>
    public Histogram DecodeTime { get; } = new(Latencies);

    /// <summary>From when it first ran to the end.</summary>
    public Histogram InferenceTime { get; } = new(Latencies);

    public void CountFinish(string label) => Interlocked.Increment(ref _finished[FinishLabels.IndexOf(label)]);

    public long Finished(int label) => Interlocked.Read(ref _finished[label]);
}
