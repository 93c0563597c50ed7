using System.Text.Json;

namespace Moesaic.Engine.Benchmarking;

/// <summary>A report for programs.</summary>
public static class BenchmarkJson
{
    /// <summary>Writes one object.</summary>
    /// <param name="writer">Where to.</param>
    /// <param name="report">What was found.</param>
    /// <param name="command">The command that measured it.</param>
    public static void Write(Utf8JsonWriter writer, BenchmarkReport report, string command)
    {
        ArgumentNullException.ThrowIfNull(writer);
        ArgumentNullException.ThrowIfNull(report);
        writer.WriteStartObject();
        writer.WriteString("model", report.Model);
        writer.WriteString("weight_format", report.WeightFormat.ToString());
        writer.WriteString("kv_format", report.KvFormat.ToString());
        writer.WriteString("precision", report.Precision.ToString());
        writer.WriteString("cpu", report.Cpu.Name);
        writer.WriteString("isa", BenchmarkNames.Of(report.Device.InstructionSet));
        writer.WriteString("features", report.Device.Features.ToString());
        writer.WriteNumber("threads", report.Device.NumThreads);
        writer.WriteString("date", report.Date);
        writer.WriteString("command", command);
        writer.WriteNumber("repetitions", report.Repetitions);
        writer.WriteNumber("runs_per_step", report.RunsPerStep);
        writer.WriteNumber("load_seconds", report.LoadTime.TotalSeconds);
        writer.WriteNumber("stored_bytes", report.StoredBytes);
        writer.WriteNumber("weight_bytes", report.WeightBytes);
        writer.WriteNumber("executor_bytes", report.ExecutorBytes);
        if (report.PeakResidentBytes is { } peak)
        {
            writer.WriteNumber("peak_resident_bytes", peak);
        }

        Write(writer, "read_bytes_per_second", report.ReadBandwidth);
        writer.WriteString("peak", BenchmarkNames.Of(report.Peak));
        Write(writer, "peak_operations_per_second", report.PeakOperations);
        writer.WriteStartArray("results");
        foreach (BenchmarkRow row in report.Rows)
        {
            writer.WriteStartObject();
            writer.WriteString("phase", BenchmarkNames.Of(row.Phase));
            writer.WriteNumber("prompt", row.PromptLength);
            writer.WriteNumber("generated", row.GeneratedTokens);
            writer.WriteNumber("batch", row.BatchSize);
            Write(writer, "tokens_per_second", row.TokensPerSecond);
            writer.WriteNumber(row.Phase == BenchmarkPhase.Decode ? "bytes_touched" : "operations", row.Work);
            Write(writer, row.Phase == BenchmarkPhase.Decode ? "limit_bytes_per_second" : "limit_operations_per_second", row.Limit);
            Write(writer, "share_of_limit", row.ShareOfLimit);
            if (row.RateOfOnce is { } once)
            {
                Write(writer, "rate_of_once", once);
            }

            writer.WriteNumber("allocated_bytes_per_token", row.AllocatedBytesPerToken);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter writer, string name, Spread spread)
    {
        writer.WriteStartObject(name);
        writer.WriteNumber("min", spread.Min);
        writer.WriteNumber("median", spread.Median);
        writer.WriteNumber("max", spread.Max);
        writer.WriteEndObject();
    }
}
