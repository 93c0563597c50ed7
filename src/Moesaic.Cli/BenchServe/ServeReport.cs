namespace Moesaic.Cli.BenchServe;

/// <summary>The figures of a run.</summary>
internal sealed class ServeReport
{
    private static readonly TimeSpan s_bucket = TimeSpan.FromSeconds(1);

    /// <param name="records">All requests.</param>
    /// <param name="duration">Seconds from the start until the last was over.</param>
    /// <param name="limits">What good requests keep; null when nobody asked.</param>
    public ServeReport(IReadOnlyList<RequestRecord> records, double duration, GoodputLimits? limits)
    {
        Records = records;
        Duration = duration;
        Limits = limits;
        RequestRecord[] successes = [.. records.Where(r => r.IsSuccess)];
        Completed = successes.Length;
        InputTokens = successes.Sum(r => (long)r.PromptTokens);
        OutputTokens = successes.Sum(r => (long)r.OutputTokens);
        Goodput = limits is null ? null : PerSecond(successes.Count(limits.Keeps));
        Latencies =
        [
            new LatencySummary("ttft", "Time to First Token", successes.Select(r => r.TimeToFirstToken)),
            new LatencySummary("tpot", "Time per Output Token (excl. 1st token)", successes.Select(r => r.TimePerOutputToken)),
            new LatencySummary("itl", "Inter-token Latency", successes.SelectMany(r => r.InterTokenLatencies)),
            new LatencySummary("e2el", "End-to-end Latency", successes.Select(r => r.Latency)),
        ];
        PeakOutputRate = TokensOverTime(s_bucket.TotalSeconds).DefaultIfEmpty(0).Max();
        PeakConcurrency = ConcurrencyOverTime().Select(p => p.Running).DefaultIfEmpty(0).Max();
        Errors = [.. records.Where(r => !r.IsSuccess).GroupBy(r => r.Error!).Select(g => (g.Key, g.Count())).OrderByDescending(e => e.Item2)];
    }

    public IReadOnlyList<RequestRecord> Records { get; }

    /// <summary>In seconds.</summary>
    public double Duration { get; }

    public GoodputLimits? Limits { get; }

    public int Completed { get; }

    public int Failed => Records.Count - Completed;

    /// <summary>Of successful requests, as their output tokens.</summary>
    public long InputTokens { get; }

    public long OutputTokens { get; }

    public double RequestThroughput => PerSecond(Completed);

    /// <summary>Good requests a second; null without limits.</summary>
    public double? Goodput { get; }

    public double OutputThroughput => PerSecond(OutputTokens);

    public double TotalThroughput => PerSecond(InputTokens + OutputTokens);

    /// <summary>Most tokens generated within a second, counted from the start of the run.</summary>
    public double PeakOutputRate { get; }

    /// <summary>Most requests running at one time.</summary>
    public int PeakConcurrency { get; }

    /// <summary>Time to first token, time per output token, inter-token latency, end-to-end latency.</summary>
    public IReadOnlyList<LatencySummary> Latencies { get; }

    /// <summary>Texts of failures, the most frequent first.</summary>
    public IReadOnlyList<(string Text, int Count)> Errors { get; }

    /// <summary>Longest delay of the sending behind what was due, in seconds; a limit on concurrency counts too.</summary>
    public double MaxLag => Records.Select(r => r.Start - r.Due).DefaultIfEmpty(0).Max();

    /// <summary>Whether every successful answer came with its count of tokens.</summary>
    public bool HasUsage => Records.All(r => !r.IsSuccess || r.HasUsage);

    /// <summary>Tokens of successful requests in each stretch of time; an event's share of its request's tokens is counted when it came.</summary>
    /// <param name="seconds">Length of a stretch.</param>
    public double[] TokensOverTime(double seconds)
    {
        double[] tokens = new double[Math.Max(1, (int)Math.Ceiling(Duration / seconds))];
        foreach (RequestRecord record in Records.Where(r => r.IsSuccess))
        {
            double each = record.EventTimes.Count == 0 ? 0 : (double)record.OutputTokens / record.EventTimes.Count;
            foreach (double time in record.EventTimes)
            {
                tokens[Math.Clamp((int)(time / seconds), 0, tokens.Length - 1)] += each;
            }
        }

        return tokens;
    }

    /// <summary>Running requests after each start and end.</summary>
    public IEnumerable<(double Time, int Running)> ConcurrencyOverTime()
    {
        int running = 0;
        IEnumerable<(double Time, int Change)> changes = Records.SelectMany(r => new[] { (r.Start, 1), (r.End, -1) });

        // Where one ends as another starts, the end comes first.
        foreach ((double time, int change) in changes.Order())
        {
            running += change;
            yield return (time, running);
        }
    }

    private double PerSecond(double count) => Duration > 0 ? count / Duration : 0;
}
