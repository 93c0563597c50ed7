using System.Globalization;
using System.Text;
using Moesaic.Interop;

namespace Moesaic.Engine.Benchmarking;

/// <summary>A report for people.</summary>
public static class BenchmarkMarkdown
{
    /// <param name="report">What was found.</param>
    /// <param name="command">The command that measured it.</param>
    public static string Write(BenchmarkReport report, string command)
    {
        ArgumentNullException.ThrowIfNull(report);
        StringBuilder text = new();
        Line(text, $"## {report.Model}");
        Line(text, $"{report.Cpu.Name}, {BenchmarkNames.Of(report.Device.InstructionSet)} ({report.Device.Features}), {report.Device.NumThreads} threads; {report.Date:yyyy-MM-dd HH:mm} UTC");
        Line(text, $"`{command}`");
        text.Append('\n');
        Line(text, $"Limits in this run (min / median / max): read {Giga(report.ReadBandwidth)} GB/s; {BenchmarkNames.Of(report.Peak)} {Giga(report.PeakOperations)} Gop/s.");
        string peak = report.PeakResidentBytes is { } bytes ? $"{Mebi(bytes)} MiB" : "unknown";
        Line(text, $"Weights {report.WeightFormat}, {Mebi(report.StoredBytes)} MiB stored, {Mebi(report.WeightBytes)} MiB in memory; cache {report.KvFormat} and activations {Mebi(report.ExecutorBytes)} MiB; resident peak {peak}; loaded in {Number(report.LoadTime.TotalSeconds, 2)} s.");
        if (report.RunsPerStep > 1)
        {
            Line(text, $"Every step was run {report.RunsPerStep} times and counted once.");
        }

        text.Append('\n');
        Line(text, $"| phase | prompt | generated | batch | tokens/s min | median | max | of its limit | allocated bytes/token |");
        Line(text, $"|---|---:|---:|---:|---:|---:|---:|---:|---:|");
        foreach (BenchmarkRow row in report.Rows)
        {
            string limit = row.Phase == BenchmarkPhase.Decode ? "read bandwidth" : BenchmarkNames.Of(report.Peak);
            Line(text, $"| {BenchmarkNames.Of(row.Phase)} | {row.PromptLength} | {row.GeneratedTokens} | {row.BatchSize} | {Number(row.TokensPerSecond.Min, 1)} | {Number(row.TokensPerSecond.Median, 1)} | {Number(row.TokensPerSecond.Max, 1)} | {Number(100 * row.ShareOfLimit.Median, 1)}% of {limit} | {Number(row.AllocatedBytesPerToken, 1)} |");
        }

        return text.ToString();
    }

    private static void Line(StringBuilder text, FormattableString line) => text.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');

    private static string Giga(Spread spread) => $"{Number(spread.Min / 1e9, 1)} / {Number(spread.Median / 1e9, 1)} / {Number(spread.Max / 1e9, 1)}";

    private static string Mebi(long bytes) => Number(bytes / (double)(1 << 20), 0);

    private static string Number(double value, int decimals) => value.ToString("F" + decimals.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
}
