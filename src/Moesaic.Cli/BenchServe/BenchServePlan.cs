using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Moesaic.Cli.Input;
using Moesaic.Cli.Output;
using Moesaic.Cli.Verbs;

namespace Moesaic.Cli.BenchServe;

/// <summary>The options of <c>bench-serve</c>, checked.</summary>
internal sealed record BenchServePlan
{
    private const int MaxTokens = 1 << 24;
    private const int MaxRequests = 1_000_000;
    private const int DefaultRequests = 1000;
    private static readonly ImmutableArray<string> s_metrics = ["ttft", "tpot", "itl", "e2el"];

    /// <summary>Without a slash at the end.</summary>
    public required string BaseUrl { get; init; }

    public required string Endpoint { get; init; }

    public required bool IsChat { get; init; }

    public required string? ApiKey { get; init; }

    public required DatasetKind Dataset { get; init; }

    /// <summary>What the dataset's file holds; empty for random prompts.</summary>
    public required string DatasetText { get; init; }

    public required RandomPrompts Random { get; init; }

    /// <summary>Null for as many as are recorded.</summary>
    public required int? NumPrompts { get; init; }

    /// <summary>Requests a second, infinity for all at once; NaN where the option is absent.</summary>
    public required double RequestRate { get; init; }

    public required int? MaxConcurrency { get; init; }

    public required TimeSpan RequestTimeout { get; init; }

    public required JsonElement? ExtraBody { get; init; }

    public required GoodputLimits? Goodput { get; init; }

    public required ImmutableArray<string> Metrics { get; init; }

    public required ImmutableArray<double> Percentiles { get; init; }

    /// <exception cref="UsageException">A value is impossible.</exception>
    public static BenchServePlan Of(BenchServeOptions options)
    {
        OutputFile.Check("--save-result", options.SaveResult);
        OutputFile.Check("--html", options.Html);
        Check("--random-input-len", options.RandomInputLength, 1, MaxTokens);
        Check("--random-output-len", options.RandomOutputLength, 1, MaxTokens);
        Check("--random-prefix-len", options.RandomPrefixLength, 0, MaxTokens);
        Check("--output-len", options.OutputLength, 1, MaxTokens);
        Check("--num-prompts", options.NumPrompts, 1, MaxRequests);
        Check("--max-concurrency", options.MaxConcurrency, 1, MaxRequests);
        Check("--num-warmups", options.NumWarmups, 0, MaxRequests);
        Check("--random-range-ratio", options.RandomRangeRatio, options.RandomRangeRatio is >= 0 and < 1, "0 or more and less than 1");
        Check("--burstiness", options.Burstiness, options.Burstiness is > 0 and <= 1e6, "more than 0 and at most 1000000");
        Check("--temperature", options.Temperature, options.Temperature is >= 0 and <= 100, "0 to 100");
        Check("--request-timeout", options.RequestTimeout, options.RequestTimeout is > 0 and <= 1e6, "more than 0 and at most 1000000 seconds");
        bool isChat = Choice.Parse("--endpoint", options.Endpoint, false, ("/v1/completions", false), ("/v1/chat/completions", true));
        string text = options.DatasetPath is null ? "" : Utf8Text.File("--dataset-path", options.DatasetPath);
        DatasetKind dataset = Kind(options, text);
        return new BenchServePlan
        {
            BaseUrl = Url(options.BaseUrl),
            Endpoint = options.Endpoint,
            IsChat = isChat,
            ApiKey = options.ApiKey ?? Environment.GetEnvironmentVariable("MOESAIC_API_KEY"),
            Dataset = dataset,
            DatasetText = text,
            Random = new RandomPrompts(
                options.RandomInputLength,
                options.RandomOutputLength,
                options.RandomRangeRatio,
                options.RandomPrefixLength,
                Choice.Parse("--random-prompt", options.RandomPrompt, isChat, ("ids", false), ("text", true))),
            NumPrompts = options.NumPrompts ?? (dataset == DatasetKind.Random ? DefaultRequests : null),
            RequestRate = Rate(options.RequestRate),
            MaxConcurrency = options.MaxConcurrency,
            RequestTimeout = TimeSpan.FromSeconds(options.RequestTimeout),
            ExtraBody = Extra(options.ExtraBody),
            Goodput = GoodputLimits.Parse(options.Goodput),
            Metrics = [.. options.PercentileMetrics.Split(',').Select(Metric)],
            Percentiles = [.. options.MetricPercentiles.Split(',').Select(Percentile)],
        };
    }

    private static DatasetKind Kind(BenchServeOptions options, string text)
    {
        DatasetKind told = options.DatasetPath is null ? DatasetKind.Random
            : text.AsSpan().TrimStart() is ['[', ..] ? DatasetKind.ShareGpt
            : DatasetKind.Recorded;
        DatasetKind kind = Choice.Parse(
            "--dataset-name", options.DatasetName, told, ("random", DatasetKind.Random), ("custom", DatasetKind.Recorded), ("sharegpt", DatasetKind.ShareGpt));
        return kind == DatasetKind.Random == (options.DatasetPath is null)
            ? kind
            : throw new UsageException(kind == DatasetKind.Random ? "--dataset-path does not go with random prompts" : $"--dataset-name {options.DatasetName} needs --dataset-path FILE");
    }

    private static string Url(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out Uri? url) && url.Scheme is "http" or "https" && url.Query.Length == 0 && url.Fragment.Length == 0
            ? text.TrimEnd('/')
            : throw new UsageException($"--base-url is '{text}'; expected such as http://127.0.0.1:8000");

    private static double Rate(string? text) =>
        text is null ? double.NaN
        : text.Equals("inf", StringComparison.OrdinalIgnoreCase) ? double.PositiveInfinity
        : double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double rate) && rate is > 0 and <= 1e6 ? rate
        : throw new UsageException($"--request-rate is '{text}'; expected requests a second, more than 0, or inf");

    private static JsonElement? Extra(string? json)
    {
        if (json is null)
        {
            return null;
        }

        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? document.RootElement.Clone()
                : throw new UsageException("--extra-body must be a JSON object");
        }
        catch (JsonException exception)
        {
            throw new UsageException("--extra-body is not JSON: " + exception.Message);
        }
    }

    private static string Metric(string name) =>
        s_metrics.Contains(name) ? name : throw new UsageException($"--percentile-metrics holds '{name}'; expected {string.Join(", ", s_metrics)}");

    private static double Percentile(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double percentile) && percentile is >= 0 and <= 100
            ? percentile
            : throw new UsageException($"--metric-percentiles holds '{text}'; expected numbers from 0 to 100");

    private static void Check(string option, int? value, int low, int high)
    {
        if (value < low || value > high)
        {
            throw new UsageException($"{option} is {value}; expected {low} to {high}");
        }
    }

    private static void Check(string option, double value, bool isPossible, string expected)
    {
        if (!isPossible)
        {
            throw new UsageException($"{option} is {value.ToString(CultureInfo.InvariantCulture)}; expected {expected}");
        }
    }
}
