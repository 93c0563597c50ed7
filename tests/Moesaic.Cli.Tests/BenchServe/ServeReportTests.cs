using CommandLine;
using Moesaic.Cli.BenchServe;
using Moesaic.Cli.Verbs;

namespace Moesaic.Cli.Tests.BenchServe;

/// <summary>Figures of made-up runs.</summary>
internal sealed class ServeReportTests
{
    [Test]
    public void Sums_count_successes_only()
    {
        ServeReport report = Report();
        Assert.Multiple(() =>
        {
            Assert.That((report.Completed, report.Failed, report.InputTokens, report.OutputTokens), Is.EqualTo((3, 1, 35L, 9L)));
            Assert.That(report.RequestThroughput, Is.EqualTo(3 / 4.0));
            Assert.That(report.OutputThroughput, Is.EqualTo(9 / 4.0));
            Assert.That(report.TotalThroughput, Is.EqualTo(44 / 4.0));
            Assert.That(report.PeakConcurrency, Is.EqualTo(3));
            Assert.That(report.PeakOutputRate, Is.EqualTo(3));
            Assert.That(report.TokensOverTime(1), Is.EqualTo(new double[] { 2, 3, 2, 2 }));
            Assert.That(report.Errors, Is.EqualTo(new[] { ("broken", 1) }));
            Assert.That(report.MaxLag, Is.EqualTo(0.5).Within(1e-12));
        });
    }

    [Test]
    public void Latencies_are_of_successes()
    {
        LatencySummary[] latencies = [.. Report().Latencies];
        Assert.Multiple(() =>
        {
            Assert.That(latencies.Select(l => l.Name), Is.EqualTo(new[] { "ttft", "tpot", "itl", "e2el" }));
            Assert.That(latencies[0].Sorted, Is.EqualTo(new[] { 0.5, 1.0, 2.0 }).Within(1e-12));

            // The single token of the third request has no time per output token.
            Assert.That(latencies[1].Sorted, Is.EqualTo(new[] { 1.5 / 5, 2.0 }).Within(1e-12));
            Assert.That(latencies[2].Sorted, Is.EqualTo(new[] { 0.5, 1.0, 2.0 }).Within(1e-12));
            Assert.That(latencies[3].Sorted, Is.EqualTo(new[] { 2.0, 2.0, 3.0 }).Within(1e-12));
        });
    }

    [TestCase(new[] { "ttft:1000" }, 2)]
    [TestCase(new[] { "ttft:999" }, 1)]
    [TestCase(new[] { "tpot:500" }, 2)]
    [TestCase(new[] { "e2el:2000", "ttft:1000" }, 1)]
    [TestCase(new[] { "e2el:1" }, 0)]
    public void Goodput_counts_requests_within_every_limit(string[] limits, int good) =>
        Assert.That(Report(GoodputLimits.Parse(limits)).Goodput, Is.EqualTo(good / 4.0));

    [TestCase("ttft")]
    [TestCase("ttft:")]
    [TestCase("ttft:0")]
    [TestCase("ttft:nan")]
    [TestCase("itl:5")]
    [TestCase("ttft:5,tpot:5")]
    [TestCase("e2el:5", "e2el:6")]
    public void Impossible_limits_are_refused(params string[] limits) =>
        Assert.That(() => GoodputLimits.Parse(limits), Throws.TypeOf<UsageException>().With.Message.StartsWith("--goodput"));

    // numpy.percentile([15, 20, 35, 40, 50], p)
    [TestCase(0, 15)]
    [TestCase(25, 20)]
    [TestCase(40, 29)]
    [TestCase(50, 35)]
    [TestCase(99, 49.6)]
    [TestCase(100, 50)]
    public void Percentiles_lie_between_values_in_proportion(double percent, double value) =>
        Assert.That(new LatencySummary("x", "X", [50, 15, double.NaN, 40, 20, 35]).Percentile(percent), Is.EqualTo(value).Within(1e-12));

    [Test]
    public void The_table_is_as_vllm_prints_it()
    {
        BenchServePlan plan = Plan();
        using StringWriter table = new() { NewLine = "\n" };
        ServeTable.Write(table, new ServeReport([Record(0, 0, 1369, 3, 0.25, 0.5, 1)], 5.784, null), plan);
        Assert.That(table.ToString(), Is.EqualTo("""
            ============ Serving Benchmark Result ============
            Successful requests:                     1
            Benchmark duration (s):                  5.78
            Total input tokens:                      1369
            Total generated tokens:                  3
            Request throughput (req/s):              0.17
            Output token throughput (tok/s):         0.52
            Total token throughput (tok/s):          237.21
            ---------------Time to First Token----------------
            Mean TTFT (ms):                          250.00
            Median TTFT (ms):                        250.00
            P99 TTFT (ms):                           250.00
            -----Time per Output Token (excl. 1st token)------
            Mean TPOT (ms):                          375.00
            Median TPOT (ms):                        375.00
            P99 TPOT (ms):                           375.00
            ---------------Inter-token Latency----------------
            Mean ITL (ms):                           375.00
            Median ITL (ms):                         375.00
            P99 ITL (ms):                            497.50
            ----------------End-to-end Latency----------------
            Mean E2EL (ms):                          1000.00
            Median E2EL (ms):                        1000.00
            P99 E2EL (ms):                           1000.00
            ==================================================

            """));
    }

    [Test]
    public void The_table_tells_failures_limits_and_goodput_when_there_are_any()
    {
        BenchServePlan plan = Plan("--percentile-metrics", "e2el", "--metric-percentiles", "50,99.9", "--max-concurrency", "4", "--request-rate", "2.5");
        using StringWriter table = new() { NewLine = "\n" };
        ServeTable.Write(table, Report(GoodputLimits.Parse(["ttft:1000"])), plan);
        Assert.That(table.ToString(), Is.EqualTo("""
            ============ Serving Benchmark Result ============
            Successful requests:                     3
            Failed requests:                         1
            Maximum request concurrency:             4
            Request rate configured (RPS):           2.50
            Benchmark duration (s):                  4.00
            Total input tokens:                      35
            Total generated tokens:                  9
            Request throughput (req/s):              0.75
            Request goodput (req/s):                 0.50
            Output token throughput (tok/s):         2.25
            Total token throughput (tok/s):          11.00
            ----------------End-to-end Latency----------------
            Mean E2EL (ms):                          2333.33
            Median E2EL (ms):                        2000.00
            P50 E2EL (ms):                           2000.00
            P99.9 E2EL (ms):                         2998.00
            ==================================================

            """));
    }

    [Test]
    public void The_page_needs_nothing_else_and_escapes_what_it_is_told()
    {
        BenchServePlan plan = Plan();
        string page = HtmlReport.Write(Report(), plan, "<b>model</b>");
        Assert.That(page, Does.Not.Contain("<script").And.Not.Contain("<link").And.Not.Contain("src=").And.Not.Contain("href=").And.Not.Contain("url(").And.Not.Contain("<b>"));
        Assert.That(page, Does.Contain("&lt;b&gt;model&lt;/b&gt;").And.Contain("Failures").And.Contain("broken"));

        // One for each latency, throughput, first tokens and running requests over time; well-formed, without a number gone wrong.
        string[] plots = [.. page.Split("<figure>").Skip(1).Select(p => p.Split("</figure>")[0])];
        Assert.That(plots, Has.Length.EqualTo(7));
        foreach (string plot in plots)
        {
            Assert.That(() => System.Xml.Linq.XDocument.Parse(plot), Throws.Nothing);
            Assert.That(plot, Does.Not.Contain("NaN").And.Not.Contain("Infinity").And.Not.Contain("∞"));
        }
    }

    [Test]
    public void A_page_of_failures_alone_is_written_too()
    {
        RequestRecord failed = new(0, 0, 1) { Error = "broken" };
        BenchServePlan plan = Plan();
        Assert.That(HtmlReport.Write(new ServeReport([failed], 0, null), plan, "m"), Does.Contain("broken").And.Not.Contain("NaN"));
    }

    private static BenchServePlan Plan(params string[] arguments) =>
        BenchServePlan.Of(Parser.Default.ParseArguments<BenchServeOptions>(arguments).Value);

    /// <summary>Three successes and a failure within 4 seconds.</summary>
    private static ServeReport Report(GoodputLimits? limits = null)
    {
        RequestRecord failed = new(3, 0, 1) { Start = 0, End = 0.25, PromptTokens = 100, OutputTokens = 100, Error = "broken" };
        failed.AddEvent(0.1);
        return new ServeReport(
            [
                Record(0, 0, 10, 6, 0.5, 1, 2),
                Record(0.5, 0, 20, 2, 1.5, 3.5),
                Record(1, 1, 5, 1, 3),
                failed,
            ],
            4,
            limits);
    }

    private static RequestRecord Record(double start, double due, int promptTokens, int outputTokens, params double[] events)
    {
        RequestRecord record = new(0, due, events.Length) { Start = start, End = events[^1], PromptTokens = promptTokens, OutputTokens = outputTokens, HasUsage = true };
        foreach (double time in events)
        {
            record.AddEvent(time);
        }

        return record;
    }
}
