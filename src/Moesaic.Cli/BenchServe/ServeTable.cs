using System.Globalization;

namespace Moesaic.Cli.BenchServe;

/// <summary>The table of <c>vllm bench serve</c>, whose lines many scripts know.</summary>
internal static class ServeTable
{
    private const int Width = 50;
    private const int LabelWidth = 40;

    public static void Write(TextWriter output, ServeReport report, BenchServePlan plan)
    {
        output.WriteLine(Centre(" Serving Benchmark Result ", '='));
        Row(output, "Successful requests:", report.Completed);
        if (report.Failed > 0)
        {
            Row(output, "Failed requests:", report.Failed);
        }

        if (plan.MaxConcurrency is { } limit)
        {
            Row(output, "Maximum request concurrency:", limit);
        }

        if (double.IsFinite(plan.RequestRate))
        {
            Row(output, "Request rate configured (RPS):", plan.RequestRate);
        }

        Row(output, "Benchmark duration (s):", report.Duration);
        Row(output, "Total input tokens:", report.InputTokens);
        Row(output, "Total generated tokens:", report.OutputTokens);
        Row(output, "Request throughput (req/s):", report.RequestThroughput);
        if (report.Goodput is { } goodput)
        {
            Row(output, "Request goodput (req/s):", goodput);
        }

        Row(output, "Output token throughput (tok/s):", report.OutputThroughput);
        Row(output, "Total token throughput (tok/s):", report.TotalThroughput);
        foreach (LatencySummary latency in report.Latencies.Where(l => plan.Metrics.Contains(l.Name)))
        {
            string name = latency.Name.ToUpperInvariant();
            output.WriteLine(Centre(latency.Title, '-'));
            Row(output, $"Mean {name} (ms):", latency.Mean * 1000);
            Row(output, $"Median {name} (ms):", latency.Median * 1000);
            foreach (double percentile in plan.Percentiles)
            {
                Row(output, $"P{PercentileName(percentile)} {name} (ms):", latency.Percentile(percentile) * 1000);
            }
        }

        output.WriteLine(new string('=', Width));
    }

    /// <summary>Such as 99 or 99.9.</summary>
    public static string PercentileName(double percentile) => percentile.ToString(CultureInfo.InvariantCulture);

    private static void Row(TextWriter output, string label, long value) => output.WriteLine(label.PadRight(LabelWidth) + " " + value.ToString(CultureInfo.InvariantCulture));

    private static void Row(TextWriter output, string label, double value) => output.WriteLine(label.PadRight(LabelWidth) + " " + value.ToString("F2", CultureInfo.InvariantCulture));

    private static string Centre(string text, char fill)
    {
        int left = (Width - text.Length) / 2;
        return text.PadLeft(text.Length + left, fill).PadRight(Width, fill);
    }
}
