using System.Text.Json;
using Moesaic.Cli.Output;
using Moesaic.Cli.Verbs;

namespace Moesaic.Cli.BenchServe;

/// <summary>The result as JSON, under the names that <c>vllm bench serve --save-result</c> uses; times of single requests are in seconds.</summary>
internal static class ServeJson
{
    public static string Write(ServeReport report, BenchServePlan plan, BenchServeOptions options, string model, DateTimeOffset date) => JsonText.Object(writer =>
    {
        writer.WriteString("date", date.UtcDateTime.ToString("yyyyMMdd-HHmmss", System.Globalization.CultureInfo.InvariantCulture));
        writer.WriteString("endpoint_type", plan.IsChat ? "openai-chat" : "openai");
        writer.WriteString("base_url", plan.BaseUrl);
        writer.WriteString("model_id", model);
        writer.WriteNumber("num_prompts", report.Records.Count);
        WriteRate(writer, plan.RequestRate);
        writer.WriteNumber("burstiness", options.Burstiness);
        WriteOptional(writer, "max_concurrency", plan.MaxConcurrency);
        writer.WriteNumber("seed", options.Seed);
        writer.WriteNumber("duration", report.Duration);
        writer.WriteNumber("completed", report.Completed);
        writer.WriteNumber("failed", report.Failed);
        writer.WriteNumber("total_input_tokens", report.InputTokens);
        writer.WriteNumber("total_output_tokens", report.OutputTokens);
        writer.WriteNumber("request_throughput", report.RequestThroughput);
        WriteOptional(writer, "request_goodput", report.Goodput);
        writer.WriteNumber("output_throughput", report.OutputThroughput);
        writer.WriteNumber("total_token_throughput", report.TotalThroughput);
        writer.WriteNumber("max_output_tokens_per_s", report.PeakOutputRate);
        writer.WriteNumber("max_concurrent_requests", report.PeakConcurrency);
        writer.WriteNumber("max_send_lag_ms", report.MaxLag * 1000);
        foreach (LatencySummary latency in report.Latencies)
        {
            WriteLatency(writer, latency, plan);
        }

        WriteRecords(writer, report.Records);
        writer.WriteStartObject("error_counts");
        foreach ((string text, int count) in report.Errors)
        {
            writer.WriteNumber(text, count);
        }

        writer.WriteEndObject();
    });

    private static void WriteLatency(Utf8JsonWriter writer, LatencySummary latency, BenchServePlan plan)
    {
        writer.WriteNumber($"mean_{latency.Name}_ms", latency.Mean * 1000);
        writer.WriteNumber($"median_{latency.Name}_ms", latency.Median * 1000);
        writer.WriteNumber($"std_{latency.Name}_ms", latency.StandardDeviation * 1000);
        foreach (double percentile in plan.Percentiles)
        {
            writer.WriteNumber($"p{ServeTable.PercentileName(percentile)}_{latency.Name}_ms", latency.Percentile(percentile) * 1000);
        }
    }

    private static void WriteRecords(Utf8JsonWriter writer, IReadOnlyList<RequestRecord> records)
    {
        WriteArray(writer, "input_lens", records, r => writer.WriteNumberValue(r.PromptTokens));
        WriteArray(writer, "output_lens", records, r => writer.WriteNumberValue(r.OutputTokens));
        WriteArray(writer, "start_times", records, r => writer.WriteNumberValue(r.Start));
        WriteArray(writer, "ttfts", records, r => writer.WriteNumberValue(r.IsSuccess ? r.TimeToFirstToken : 0));
        WriteArray(writer, "e2els", records, r => writer.WriteNumberValue(r.IsSuccess ? r.Latency : 0));
        WriteArray(writer, "itls", records, r =>
        {
            writer.WriteStartArray();
            foreach (double pause in r.InterTokenLatencies)
            {
                writer.WriteNumberValue(pause);
            }

            writer.WriteEndArray();
        });
        WriteArray(writer, "errors", records, r => writer.WriteStringValue(r.Error ?? ""));
    }

    private static void WriteArray(Utf8JsonWriter writer, string name, IReadOnlyList<RequestRecord> records, Action<RequestRecord> write)
    {
        writer.WriteStartArray(name);
        foreach (RequestRecord record in records)
        {
            write(record);
        }

        writer.WriteEndArray();
    }

    private static void WriteRate(Utf8JsonWriter writer, double rate)
    {
        if (double.IsFinite(rate))
        {
            writer.WriteNumber("request_rate", rate);
        }
        else
        {
            writer.WriteString("request_rate", "inf");
        }
    }

    private static void WriteOptional(Utf8JsonWriter writer, string name, double? value)
    {
        if (value is { } number)
        {
            writer.WriteNumber(name, number);
        }
        else
        {
            writer.WriteNull(name);
        }
    }
}
