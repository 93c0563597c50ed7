using CommandLine;
using Moesaic.Cli.BenchServe;
using Moesaic.Cli.Verbs;

namespace Moesaic.Cli.Tests.BenchServe;

/// <summary>Options and files that are refused before anything is sent.</summary>
internal sealed class BenchServePlanTests
{
    [TestCase("--base-url is 'x'", "--base-url", "x")]
    [TestCase("--endpoint is '/v1/x'", "--endpoint", "/v1/x")]
    [TestCase("--request-rate is '0'", "--request-rate", "0")]
    [TestCase("--request-rate is 'nan'", "--request-rate", "nan")]
    [TestCase("--burstiness is 0", "--burstiness", "0")]
    [TestCase("--random-range-ratio is 1", "--random-range-ratio", "1")]
    [TestCase("--num-prompts is 0", "--num-prompts", "0")]
    [TestCase("--max-concurrency is 0", "--max-concurrency", "0")]
    [TestCase("--request-timeout is 0", "--request-timeout", "0")]
    [TestCase("--percentile-metrics holds 'x'", "--percentile-metrics", "ttft,x")]
    [TestCase("--metric-percentiles holds '101'", "--metric-percentiles", "101")]
    [TestCase("--extra-body must be a JSON object", "--extra-body", "[]")]
    [TestCase("--extra-body is not JSON", "--extra-body", "{")]
    [TestCase("--dataset-name custom needs --dataset-path", "--dataset-name", "custom")]
    [TestCase("there is no such file", "--dataset-path", "/absent")]
    [TestCase("there is no such folder", "--html", "/absent/x.html")]
    public void Impossible_options_are_refused(string named, params string[] arguments) => Assert.That(
        () => BenchServePlan.Of(Parser.Default.ParseArguments<BenchServeOptions>(arguments).Value),
        Throws.TypeOf<UsageException>().With.Message.Contains(named));

    [TestCase("{", "line 1: ")]
    [TestCase("7", "line 1: a line must be a JSON object")]
    [TestCase("\n{\"output_tokens\": 3}", "line 2: expected either 'prompt' or 'messages'")]
    [TestCase("{\"prompt\": \"x\", \"messages\": []}", "expected either 'prompt' or 'messages'")]
    [TestCase("{\"messages\": []}", "at least one message")]
    [TestCase("{\"prompt\": \"x\", \"output_tokens\": 0}", "'output_tokens' must be a whole number")]
    [TestCase("{\"prompt\": [-1]}", "'prompt[0]' must be a token id")]
    [TestCase("{\"prompt\": \"\\ud800\"}", "surrogate")]
    [TestCase("{\"prompt\": \"x\", \"arrival_time\": \"1\"}", "'arrival_time' must be a number")]
    [TestCase("{\"prompt\": \"x\", \"arrival_time\": 1}\n{\"prompt\": \"x\"}", "some lines have an arrival_time")]
    [TestCase("\n", "holds no requests")]
    public void Bad_records_are_told_by_line(string text, string named) => Assert.That(
        () => RecordedPrompts.Parse("file", text, null),
        Throws.TypeOf<UsageException>().With.Message.StartsWith("file").And.Message.Contains(named));
}
