using CommandLine;

namespace Moesaic.Cli.Verbs;

[Verb("bench-serve", HelpText = "Drive a running host with many requests; report latencies and throughput.")]
public sealed class BenchServeOptions
{
    [Option("base-url", MetaValue = "URL", Default = "http://127.0.0.1:8000", HelpText = "Where the host is.")]
    public string BaseUrl { get; set; } = "";

    [Option('m', "model", MetaValue = "NAME", HelpText = "Name of the model to ask for; the first that the host lists when absent.")]
    public string? Model { get; set; }

    [Option("endpoint", MetaValue = "PATH", Default = "/v1/completions", HelpText = "/v1/completions or /v1/chat/completions.")]
    public string Endpoint { get; set; } = "";

    [Option("api-key", MetaValue = "KEY", HelpText = "Sent as a bearer token; MOESAIC_API_KEY when absent.")]
    public string? ApiKey { get; set; }

    [Option("dataset-name", MetaValue = "KIND", HelpText = "random, custom (JSON lines) or sharegpt; told by the file when absent, random without one.")]
    public string? DatasetName { get; set; }

    [Option("dataset-path", MetaValue = "FILE", HelpText = "Recorded requests: JSON lines with prompt or messages, output_tokens, arrival_time (s); or ShareGPT's JSON.")]
    public string? DatasetPath { get; set; }

    [Option("random-input-len", MetaValue = "N", Default = 1024, HelpText = "Tokens of a random prompt.")]
    public int RandomInputLength { get; set; }

    [Option("random-output-len", MetaValue = "N", Default = 128, HelpText = "Tokens asked for with a random prompt.")]
    public int RandomOutputLength { get; set; }

    [Option("random-range-ratio", MetaValue = "R", Default = 0.0, HelpText = "Both lengths are drawn from length*(1-R) to length*(1+R); below 1.")]
    public double RandomRangeRatio { get; set; }

    [Option("random-prefix-len", MetaValue = "N", Default = 0, HelpText = "Tokens before these that all prompts share.")]
    public int RandomPrefixLength { get; set; }

    [Option("random-prompt", MetaValue = "KIND", HelpText = "Send random prompts as ids or as text (default ids; text for chat).")]
    public string? RandomPrompt { get; set; }

    [Option("tokenizer", MetaValue = "PATH", HelpText = "Tokenizer for random ids and for lengths of texts; the host's /tokenize and /detokenize when absent.")]
    public string? Tokenizer { get; set; }

    [Option("output-len", MetaValue = "N", HelpText = "Tokens asked for with recorded prompts, instead of what the file says; 256 where it says nothing.")]
    public int? OutputLength { get; set; }

    [Option("num-prompts", MetaValue = "N", HelpText = "Requests in all (default 1000 random ones, or as many as are recorded).")]
    public int? NumPrompts { get; set; }

    [Option("request-rate", MetaValue = "R", HelpText = "Requests a second; inf sends all at once (default: arrival_time of the file, else inf).")]
    public string? RequestRate { get; set; }

    [Option("burstiness", MetaValue = "B", Default = 1.0, HelpText = "Shape of the gamma distribution of the pauses: 1 is a Poisson process, less is burstier, more is more even.")]
    public double Burstiness { get; set; }

    [Option("max-concurrency", MetaValue = "N", HelpText = "Requests running at any time, at most.")]
    public int? MaxConcurrency { get; set; }

    [Option("num-warmups", MetaValue = "N", Default = 1, HelpText = "Requests before the measurement; the first that fails ends the program.")]
    public int NumWarmups { get; set; }

    [Option("seed", MetaValue = "N", Default = 0UL, HelpText = "Of prompts, lengths, order and pauses.")]
    public ulong Seed { get; set; }

    [Option("temperature", MetaValue = "T", Default = 0.0, HelpText = "Sampling temperature.")]
    public double Temperature { get; set; }

    [Option("ignore-eos", HelpText = "Generate all tokens asked for: ask the host to go past the end token.")]
    public bool IgnoreEos { get; set; }

    [Option("extra-body", MetaValue = "JSON", HelpText = "An object whose members are added to every request.")]
    public string? ExtraBody { get; set; }

    [Option("no-keep-alive", HelpText = "Open a connection for every request, for hosts that close theirs without saying so.")]
    public bool NoKeepAlive { get; set; }

    [Option("request-timeout", MetaValue = "S", Default = 3600.0, HelpText = "A request that takes longer than so many seconds has failed.")]
    public double RequestTimeout { get; set; }

    [Option("goodput", MetaValue = "NAME:MS ...", HelpText = "Limits that good requests keep, such as ttft:200 tpot:50; of ttft, tpot and e2el.")]
    public IEnumerable<string> Goodput { get; set; } = [];

    [Option("percentile-metrics", MetaValue = "NAME,...", Default = "ttft,tpot,itl,e2el", HelpText = "Latencies to report.")]
    public string PercentileMetrics { get; set; } = "";

    [Option("metric-percentiles", MetaValue = "P,...", Default = "99", HelpText = "Percentiles to report of each.")]
    public string MetricPercentiles { get; set; } = "";

    [Option("json", HelpText = "Print one JSON object instead of the table.")]
    public bool Json { get; set; }

    [Option("save-result", MetaValue = "FILE", HelpText = "Also write that JSON object into a file.")]
    public string? SaveResult { get; set; }

    [Option("html", MetaValue = "FILE", HelpText = "Also write a report with plots into one file that needs nothing else.")]
    public string? Html { get; set; }
}
