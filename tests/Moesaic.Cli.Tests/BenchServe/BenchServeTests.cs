using System.Text.Json;
using Moesaic.TestSupport;

namespace Moesaic.Cli.Tests.BenchServe;

/// <summary>The verb from outside, against a host whose answers are known.</summary>
internal sealed class BenchServeTests
{
    [Test]
    public async Task Random_prompts_have_the_lengths_asked_for()
    {
        await using ScriptedHost host = await ScriptedHost.StartAsync();
        JsonElement result = Json(await Run(
            host, "--num-prompts", "20", "--random-input-len", "10", "--random-output-len", "6", "--random-range-ratio", "0.5", "--random-prefix-len", "3", "--ignore-eos", "--json"));
        JsonElement[] bodies = [.. host.Bodies.Skip(1)];
        int[] inputs = [.. bodies.Select(b => b.GetProperty("prompt").GetArrayLength())];
        int[] outputs = [.. bodies.Select(b => b.GetProperty("max_tokens").GetInt32())];
        int[][] prefixes = [.. bodies.Select(b => b.GetProperty("prompt").EnumerateArray().Take(3).Select(t => t.GetInt32()).ToArray())];
        Assert.Multiple(() =>
        {
            Assert.That(bodies, Has.Length.EqualTo(20), "and one to warm up");
            Assert.That(inputs, Is.All.InRange(3 + 5, 3 + 15).And.Some.Not.EqualTo(inputs[0]));
            Assert.That(outputs, Is.All.InRange(3, 9).And.Some.Not.EqualTo(outputs[0]));
            Assert.That(prefixes, Is.All.EqualTo(prefixes[0]));
            Assert.That(bodies.Select(b => b.GetProperty("model").GetString()), Is.All.EqualTo("scripted"));
            Assert.That(bodies.Select(b => b.GetProperty("ignore_eos").GetBoolean()), Is.All.True);
            Assert.That(bodies.Select(b => b.GetProperty("stream_options").GetProperty("include_usage").GetBoolean()), Is.All.True);
            Assert.That(bodies.Select(b => b.GetProperty("prompt").GetRawText()).Distinct().Count(), Is.EqualTo(20));
            Assert.That(result.GetProperty("completed").GetInt32(), Is.EqualTo(20));
            Assert.That(result.GetProperty("total_input_tokens").GetInt32(), Is.EqualTo(inputs.Sum()));
            Assert.That(result.GetProperty("total_output_tokens").GetInt32(), Is.EqualTo(outputs.Sum()));
            Assert.That(Numbers(result, "output_lens"), Is.EquivalentTo(outputs));
            Assert.That(Numbers(result, "ttfts"), Is.All.GreaterThan(0));
            Assert.That(
                result.GetProperty("itls").EnumerateArray().Select(i => i.GetArrayLength()),
                Is.EqualTo(Numbers(result, "output_lens").Select(n => (int)n - 1)));
            Assert.That(result.GetProperty("request_rate").GetString(), Is.EqualTo("inf"));
        });
    }

    [Test]
    public async Task The_same_seed_sends_the_same_requests()
    {
        string[][] runs = new string[3][];
        for (int i = 0; i < runs.Length; i++)
        {
            await using ScriptedHost host = await ScriptedHost.StartAsync();
            await Run(host, "--num-prompts", "5", "--random-input-len", "8", "--random-output-len", "2", "--seed", i < 2 ? "1" : "2", "--max-concurrency", "1");
            runs[i] = [.. host.Bodies.Select(b => b.GetRawText())];
        }

        Assert.That(runs[1], Is.EqualTo(runs[0]));
        Assert.That(runs[2], Is.Not.EqualTo(runs[0]));
    }

    [Test]
    public async Task All_requests_are_sent_though_none_is_answered_yet()
    {
        await using ScriptedHost host = await ScriptedHost.StartAsync(gatherFirst: 40);
        JsonElement result = Json(await Run(
            host, "--num-prompts", "40", "--num-warmups", "0", "--request-rate", "2000", "--random-input-len", "4", "--random-output-len", "2", "--json"));
        Assert.That((host.MostRunning, result.GetProperty("completed").GetInt32()), Is.EqualTo((40, 40)));
        Assert.That(result.GetProperty("max_concurrent_requests").GetInt32(), Is.EqualTo(40));
    }

    [Test]
    public async Task A_limit_on_concurrency_is_kept()
    {
        await using ScriptedHost host = await ScriptedHost.StartAsync(gatherFirst: 3);
        ProgramRun run = await Run(host, "--num-prompts", "30", "--num-warmups", "0", "--max-concurrency", "3", "--random-input-len", "4", "--random-output-len", "2");
        Assert.That((run.ExitCode, Complaints(run), host.MostRunning), Is.EqualTo((0, "", 3)));
        Assert.That(run.Output, Does.Contain("Maximum request concurrency:             3\n"));
    }

    [TestCase(true, 5)]
    [TestCase(false, 1)]
    public async Task Connections_are_kept_unless_told_otherwise(bool noKeepAlive, int connections)
    {
        await using ScriptedHost host = await ScriptedHost.StartAsync();
        string[] arguments = ["--num-prompts", "4", "--max-concurrency", "1", "--random-input-len", "4", "--random-output-len", "2"];
        await Run(host, noKeepAlive ? [.. arguments, "--no-keep-alive"] : arguments);
        Assert.That(host.Connections.Distinct().Count(), Is.EqualTo(connections));
    }

    [Test]
    public async Task Failures_are_counted_and_summarised_and_end_with_code_4()
    {
        await using ScriptedHost host = await ScriptedHost.StartAsync(refuseEvery: 5);
        ProgramRun run = await Run(host, "--num-prompts", "10", "--num-warmups", "0", "--random-input-len", "4", "--random-output-len", "2", "--goodput", "ttft:60000", "e2el:60000");
        Assert.That(run.ExitCode, Is.EqualTo(4));
        Assert.That(Complaints(run), Is.EqualTo("moesaic: 2 of 10 requests failed: HTTP 429: the queue is full\n"));
        Assert.That(run.Output, Does.Contain("Successful requests:                     8\nFailed requests:                         2\n").And.Contain("Request goodput (req/s): "));
    }

    [Test]
    public async Task A_failing_request_before_the_measurement_ends_it()
    {
        await using ScriptedHost host = await ScriptedHost.StartAsync(refuseEvery: 1);
        ProgramRun run = await Run(host, "--num-prompts", "2", "--random-input-len", "4");
        Assert.That((run.ExitCode, run.Output), Is.EqualTo((4, "")));
        Assert.That(run.Error, Does.Contain("before the measurement failed: HTTP 429: the queue is full"));
    }

    [Test]
    public async Task Recorded_requests_are_replayed()
    {
        using Samples samples = new();
        string file = samples.Write(
            "recorded.jsonl",
            """
            {"prompt": "second", "output_tokens": 3, "arrival_time": 12.002}
            {"prompt": [5, 6, 7], "output_tokens": 2, "arrival_time": 12.0}

            {"prompt": "third", "arrival_time": 12.004}
            """);
        using TemporaryFolder folder = new();
        string saved = folder.Combine("result.json");
        string page = folder.Combine("report.html");
        await using ScriptedHost host = await ScriptedHost.StartAsync();
        ProgramRun run = await Run(
            host, "--dataset-path", file, "--num-warmups", "0", "--model", "other", "--api-key", "secret", "--extra-body", """{"temperature": 0.5, "top_k": 4}""", "--save-result", saved, "--html", page);
        Assert.That((run.ExitCode, Complaints(run)), Is.EqualTo((0, "")));
        JsonElement[] bodies = [.. host.Bodies];
        JsonElement result = JsonDocument.Parse(await File.ReadAllTextAsync(saved)).RootElement;
        Assert.Multiple(() =>
        {
            Assert.That(bodies.Select(b => b.GetProperty("prompt").GetRawText()), Is.EquivalentTo(new[] { "[5,6,7]", "\"second\"", "\"third\"" }));
            Assert.That(bodies.Select(b => b.GetProperty("max_tokens").GetInt32()), Is.EquivalentTo(new[] { 2, 3, 256 }));
            Assert.That(bodies.Select(b => b.GetProperty("temperature").GetDouble()), Is.All.EqualTo(0.5));
            Assert.That(bodies.Select(b => b.GetProperty("top_k").GetInt32()), Is.All.EqualTo(4));
            Assert.That(bodies.Select(b => b.GetProperty("model").GetString()), Is.All.EqualTo("other"));
            Assert.That(host.Keys, Is.All.EqualTo("Bearer secret"));
            Assert.That(Numbers(result, "input_lens"), Is.EqualTo(new double[] { 3, 6, 5 }));
            Assert.That(Numbers(result, "start_times"), Is.Ordered);
            Assert.That(Numbers(result, "start_times")[2], Is.GreaterThan(0.0039));
            Assert.That(File.ReadAllText(page), Does.Contain("<svg").And.Contain("Successful requests:                     3"));
        });
    }

    [Test]
    public async Task Chats_are_sent_as_messages()
    {
        using Samples samples = new();
        string file = samples.Write("recorded.jsonl", """
            {"messages": [{"role": "user", "content": "größe"}], "output_tokens": 4}
            {"prompt": "hello", "output_tokens": 4}
            """);
        await using ScriptedHost host = await ScriptedHost.StartAsync();
        JsonElement result = Json(await Run(
            host, "--endpoint", "/v1/chat/completions", "--dataset-path", file, "--num-prompts", "3", "--max-concurrency", "1", "--num-warmups", "0", "--json"));
        Assert.That(host.Bodies.Select(b => b.GetProperty("messages")[0].GetProperty("content").GetString()), Is.EqualTo(new[] { "größe", "hello", "größe" }));
        Assert.That(Numbers(result, "output_lens"), Is.All.EqualTo(4));
    }

    [Test]
    public async Task Random_chats_are_texts_of_the_length_asked_for()
    {
        await using ScriptedHost host = await ScriptedHost.StartAsync();
        JsonElement result = Json(await Run(
            host, "--endpoint", "/v1/chat/completions", "--num-prompts", "3", "--random-input-len", "9", "--random-output-len", "2", "--json"));
        Assert.That(Numbers(result, "input_lens"), Is.All.EqualTo(9));
    }

    [Test]
    public async Task Conversations_of_sharegpt_are_filtered_and_shuffled()
    {
        using Samples samples = new();
        string file = samples.Write("share.json", """
            [
              {"conversations": [{"from": "human", "value": "question one"}, {"from": "gpt", "value": "answer"}]},
              {"conversations": [{"from": "human", "value": "abc"}, {"from": "gpt", "value": "too short a prompt"}]},
              {"conversations": [{"from": "human", "value": "question two"}, {"from": "gpt", "value": "no"}]},
              {"conversations": [{"from": "human", "value": "no answer"}]},
              {"conversations": [{"from": "human", "value": "question three"}, {"from": "gpt", "value": "an answer"}, {"from": "human", "value": "more"}]}
            ]
            """);
        await using ScriptedHost host = await ScriptedHost.StartAsync();
        await Run(host, "--dataset-path", file, "--num-warmups", "0");
        Assert.That(
            host.Bodies.Select(b => (b.GetProperty("prompt").GetString(), b.GetProperty("max_tokens").GetInt32())),
            Is.EquivalentTo(new[] { ("question one", 6), ("question three", 9) }));
    }

    [Test]
    public async Task Events_are_counted_where_the_host_does_not_report_tokens()
    {
        await using ScriptedHost host = await ScriptedHost.StartAsync(sendsUsage: false);
        ProgramRun run = await Run(host, "--num-prompts", "3", "--random-input-len", "7", "--random-output-len", "5");
        Assert.That(run.Error, Does.Contain("events of the stream are counted as tokens"));
        Assert.That(run.Output, Does.Contain("Total input tokens:                      21\nTotal generated tokens:                  15\n"));
    }

    [Test]
    public void An_absent_host_is_one_line_and_exit_code_4()
    {
        ProgramRun run = ProgramRun.Of("bench-serve", "--base-url", "http://127.0.0.1:1");
        Assert.That((run.ExitCode, run.Output), Is.EqualTo((4, "")));
        Assert.That(run.Error, Does.StartWith("moesaic: http://127.0.0.1:1/v1/models: ").And.EndWith("\n"));
        Assert.That(run.Error.Count(c => c == '\n'), Is.EqualTo(1));
    }

    [TestCase("--goodput holds 'itl:5'", "--goodput", "ttft:5", "itl:5")]
    [TestCase("--goodput needs a value", "--goodput", "--json")]
    [TestCase("one argument too many", "http://127.0.0.1:1")]
    public void Bad_options_are_one_line_and_exit_code_2(string named, params string[] arguments)
    {
        ProgramRun run = ProgramRun.Of(["bench-serve", .. arguments]);
        Assert.That((run.ExitCode, run.Output), Is.EqualTo((2, "")));
        Assert.That(run.Error, Does.Contain(named));
        Assert.That(run.Error.Count(c => c == '\n'), Is.EqualTo(1), run.Error);
    }

    private static Task<ProgramRun> Run(ScriptedHost host, params string[] arguments) =>
        Task.Run(() => ProgramRun.Of(["bench-serve", "--base-url", host.Url, .. arguments]));

    private static JsonElement Json(ProgramRun run)
    {
        Assert.That((run.ExitCode, Complaints(run)), Is.EqualTo((0, "")));
        using JsonDocument document = JsonDocument.Parse(run.Output);
        return document.RootElement.Clone();
    }

    /// <summary>Standard error without the remark that the machine was too busy to send in time.</summary>
    private static string Complaints(ProgramRun run) =>
        string.Concat(run.Error.Split('\n').Where(l => l.Length > 0 && !l.Contains("fell behind its schedule", StringComparison.Ordinal)).Select(l => l + "\n"));

    private static double[] Numbers(JsonElement result, string name) => [.. result.GetProperty(name).EnumerateArray().Select(n => n.GetDouble())];
}
