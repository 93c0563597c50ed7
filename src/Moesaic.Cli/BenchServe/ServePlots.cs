using System.Globalization;

namespace Moesaic.Cli.BenchServe;

/// <summary>The plots of a run.</summary>
internal static class ServePlots
{
    private const int NumBars = 40;
    private const int MaxPoints = 500;
    private const int MaxDots = 4000;
    private const int MaxStretches = 120;

    public static IEnumerable<string> All(ServeReport report)
    {
        foreach (LatencySummary latency in report.Latencies.Where(l => l.Sorted.Count > 0))
        {
            yield return Distribution(latency);
        }

        if (report.Completed > 0)
        {
            yield return Throughput(report);
            yield return FirstTokenOverTime(report);
        }

        yield return Concurrency(report);
    }

    /// <summary>A histogram, and over it the share of values up to each.</summary>
    private static string Distribution(LatencySummary latency)
    {
        double[] sorted = [.. latency.Sorted.Select(s => s * 1000)];
        double width = Math.Max(sorted[^1], 1e-6) / NumBars;
        int[] counts = new int[NumBars];
        foreach (double value in sorted)
        {
            counts[Math.Min((int)(value / width), NumBars - 1)]++;
        }

        string name = latency.Name.ToUpperInvariant();
        SvgPlot plot = new($"{latency.Title} ({name})", $"{name}, ms", "count", sorted[^1], counts.Max());
        for (int i = 0; i < NumBars; i++)
        {
            if (counts[i] > 0)
            {
                plot.AddBar(i * width, (i + 1) * width, counts[i]);
            }
        }

        int step = Math.Max(1, sorted.Length / MaxPoints);
        plot.AddShareLine(Enumerable.Range(0, sorted.Length).Where(i => i % step == 0 || i == sorted.Length - 1).Select(i => (sorted[i], (i + 1.0) / sorted.Length)));
        plot.AddMark(latency.Median * 1000, string.Create(CultureInfo.InvariantCulture, $"median {latency.Median * 1000:F2} ms"));
        plot.AddMark(latency.Percentile(99) * 1000, string.Create(CultureInfo.InvariantCulture, $"99th percentile {latency.Percentile(99) * 1000:F2} ms"));
        return plot.Write();
    }

    private static string Throughput(ServeReport report)
    {
        double stretch = AxisScale.RoundStep(Math.Max(report.Duration, 1e-3), MaxStretches);
        double[] rates = [.. report.TokensOverTime(stretch).Select(t => t / stretch)];
        SvgPlot plot = new("Output tokens over time", "time, s", "tokens/s", report.Duration, rates.Max());
        plot.AddLine(rates.SelectMany((rate, i) => new[] { (i * stretch, rate), (Math.Min((i + 1) * stretch, report.Duration), rate) }));
        return plot.Write();
    }

    private static string FirstTokenOverTime(ServeReport report)
    {
        RequestRecord[] successes = [.. report.Records.Where(r => r.IsSuccess)];
        SvgPlot plot = new(
            "Time to first token over time", "time of sending, s", "TTFT, ms", successes.Max(r => r.Start), successes.Max(r => r.TimeToFirstToken) * 1000);
        int step = Math.Max(1, successes.Length / MaxDots);
        for (int i = 0; i < successes.Length; i += step)
        {
            plot.AddDot(successes[i].Start, successes[i].TimeToFirstToken * 1000);
        }

        return plot.Write();
    }

    private static string Concurrency(ServeReport report)
    {
        SvgPlot plot = new("Running requests over time", "time, s", "requests", report.Duration, report.PeakConcurrency);
        int[] most = new int[MaxPoints];
        int now = 0;
        int at = 0;
        foreach ((double time, int running) in report.ConcurrencyOverTime())
        {
            int place = report.Duration > 0 ? Math.Clamp((int)(time / report.Duration * MaxPoints), 0, MaxPoints - 1) : 0;
            for (; at < place; at++)
            {
                most[at] = Math.Max(most[at], now);
            }

            most[at] = Math.Max(most[at], Math.Max(now, running));
            now = running;
        }

        plot.AddLine(most.Select((running, i) => ((i + 0.5) / MaxPoints * report.Duration, (double)running)));
        return plot.Write();
    }
}
