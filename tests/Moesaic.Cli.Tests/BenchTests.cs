using System.Globalization;
using System.Text.Json;

namespace Moesaic.Cli.Tests;

/// <summary>bench and its gate, on models that are made or small.</summary>
public sealed class BenchTests
{
    private static readonly string[] s_short = ["--prompt-lengths", "8", "--generate", "2", "--repetitions", "1", "--threads", "2"];

    [TestCase("smollm2", "f32", "F32")]
    [TestCase("smollm2", "f16", "F16")]
    [TestCase("smollm2", "bf16", "BF16")]
    [TestCase("smollm2", "q8_0", "Q8_0")]
    [TestCase("smollm2", "q4_0", "Q4_0")]
    [TestCase("smollm2", "q4_1", "Q4_1")]
    [TestCase("llama-1b", "q4_k", "Q4_K")]
    [TestCase("llama-1b", "q6_k", "Q6_K")]
    [TestCase("smollm2", "q5_0", "Q5_0")]
    [TestCase("smollm2", "q5_1", "Q5_1")]
    [TestCase("llama-1b", "q5_k", "Q5_K")]
    [TestCase("smollm2", "mxfp4", "MXFP4")]
    [TestCase("smollm2", "nvfp4", "NVFP4")]
    [TestCase("smollm2", "iq4_nl", "IQ4_NL")]
    [TestCase("llama-1b", "iq4_xs", "IQ4_XS")]
    public void Measures_synthetic_models_of_every_type(string shape, string type, string format)
    {
        string most = shape == "smollm2" ? "0.13" : "0.3";
        ProgramRun run = ProgramRun.Of(["bench", "--synthetic", shape, "--type", type, "--max-gib", most, "--json", .. s_short]);
        Assert.That((run.ExitCode, run.Error), Is.EqualTo((0, "")));
        using JsonDocument json = JsonDocument.Parse(run.Output);
        JsonElement root = json.RootElement;
        double limit = double.Parse(most, CultureInfo.InvariantCulture) * (1L << 30);
        Assert.Multiple(() =>
        {
            Assert.That(root.GetProperty("model").GetString(), Does.StartWith("synthetic " + shape));
            Assert.That(root.GetProperty("weight_format").GetString(), Is.EqualTo(format));
            Assert.That(root.GetProperty("stored_bytes").GetInt64(), Is.LessThanOrEqualTo(limit));
            Assert.That(root.GetProperty("threads").GetInt32(), Is.EqualTo(2));
            Assert.That(root.GetProperty("runs_per_step").GetInt32(), Is.EqualTo(1));
            Assert.That(root.GetProperty("command").GetString(), Does.StartWith("moesaic bench --synthetic"));
            foreach (string spread in new[] { "read_bytes_per_second", "peak_operations_per_second" })
            {
                AssertSpread(root.GetProperty(spread));
            }

            JsonElement[] results = [.. root.GetProperty("results").EnumerateArray()];
            Assert.That(results.Select(r => r.GetProperty("phase").GetString()), Is.EqualTo(new[] { "prefill", "decode" }));
            AssertRow(results[0], "operations", "limit_operations_per_second", 0);
            AssertRow(results[1], "bytes_touched", "limit_bytes_per_second", 2);
            Assert.That(results[1].GetProperty("allocated_bytes_per_token").GetDouble(), Is.Zero);
        });
    }

    [Test]
    public void Prints_a_table_and_writes_it_into_a_file()
    {
        using Samples samples = new();
        string path = samples.Write("table.md", "");
        ProgramRun run = ProgramRun.Of(["bench", "--markdown", path, "--batch", "1,2", .. s_short]);
        Assert.That((run.ExitCode, run.Error), Is.EqualTo((0, "")));
        Assert.That(File.ReadAllText(path).Trim(), Is.EqualTo(run.Output.Trim()));
        string[] table = [.. run.Lines.Where(l => l.StartsWith('|'))];
        Assert.That(table, Has.Length.EqualTo(2 + 4));
        Assert.That(table.Select(l => l.Count(c => c == '|')), Is.All.EqualTo(10));
        Assert.That(table[0], Does.Contain("tokens/s min | median | max").And.Contain("allocated bytes/token"));
        Assert.That(table[2], Does.Match(@"^\| prefill \| 8 \| 0 \| 1 \|.*% of int8 dot peak \| "));
        Assert.That(table[3], Does.Match(@"^\| decode \| 8 \| 2 \| 1 \|.*% of read bandwidth \| 0\.0 \|$"));
        Assert.That(run.Output, Does.Match(@"Limits in this run \(min / median / max\): read [0-9.]+ / [0-9.]+ / [0-9.]+ GB/s"));
    }

    [TestCase("smollm3", null, "--synthetic is 'smollm3'; expected smollm2, llama-1b or ling-mini")]
    [TestCase("smollm2", "q9", "--type is 'q9'; expected")]
    [TestCase("smollm2", "q4_k", "no multiple of the 256")]
    [TestCase("ling-mini", "f32", "even with 2 of its 20 layers", "--max-gib", "0.1")]
    [TestCase("smollm2", "q8_0", "--max-gib is 0", "--max-gib", "0")]
    [TestCase("smollm2", "q8_0", "--max-gib is 'much'; expected a number", "--max-gib", "much")]
    [TestCase("smollm2", "q8_0", "--synthetic and --model exclude each other", "--model", "x.gguf")]
    [TestCase(null, "q8_0", "--type goes with --synthetic only")]
    [TestCase(null, null, "--prompt-lengths holds 'x'", "--prompt-lengths", "x")]
    [TestCase(null, null, "--prompt-lengths holds ''", "--prompt-lengths", "8,")]
    [TestCase(null, null, "--batch holds '0'", "--batch", "0")]
    [TestCase(null, null, "batch sizes", "--batch", "1025")]
    [TestCase(null, null, "at least 1 token is generated", "--generate", "0")]
    [TestCase(null, null, "at least 1 repetition", "--repetitions", "0")]
    [TestCase(null, null, "do not fit the model's context", "--prompt-lengths", "100000")]
    [TestCase(null, null, "--kv-format is 'q4'", "--kv-format", "q4")]
    [TestCase("smollm2", "f8", "--type is 'f8'; expected f32, f16, bf16, q8_0, q4_0, q4_1, q5_0, q5_1, q4_k, q5_k, q6_k, mxfp4, nvfp4, iq4_nl, iq4_xs, w4a16, int8 or fp8")]
    [TestCase(null, null, "--model does not go with --gate", "--gate", "x.json", "--model", "x.gguf")]
    [TestCase(null, null, "--suggest is 0", "--gate", "x.json", "--suggest", "0")]
    public void Impossible_requests_are_told(string? shape, string? type, string message, params string[] more)
    {
        string[] synthetic = shape is null ? [] : ["--synthetic", shape];
        string[] typed = type is null ? [] : ["--type", type];
        ProgramRun run = ProgramRun.Of(["bench", .. synthetic, .. typed, .. more]);
        Assert.That((run.ExitCode, run.Output), Is.EqualTo((2, "")), run.Error);
        Assert.That(run.Error, Does.Contain(message));
    }

    [Test]
    public void Gate_passes_what_is_fast_enough()
    {
        ProgramRun run = Gate(0.001, measured: true);
        Assert.That((run.ExitCode, run.Error), Is.EqualTo((0, "")), run.Output);
        Assert.That(run.Output, Does.Not.Contain("MISSED").And.Match(@"\| small \| portable \| decode \| .* \| 0\.001 \|  \| 0\.0 \| 1 \| pass \|"));
        Assert.That(run.Output, Does.Contain("| other | portable | | | | | | | | | not gated: the budget has no such level |"));
        Assert.That(run.Output, Does.Contain("| absent |  | | | | | | | | | skipped: no-such.gguf is absent |"));
        Assert.That(run.Lines[^1], Is.EqualTo("perf-gate: 2 rows judged, 0 missed, 0 not gated"));
    }

    [Test]
    public void Gate_names_the_missed_rows_with_their_floor_and_limit()
    {
        ProgramRun run = Gate(10, measured: true);
        Assert.That((run.ExitCode, run.Error), Is.EqualTo((4, "")), run.Output);
        Assert.That(run.Output, Does.Match(@"MISSED: small, portable, decode: [0-9.]+ of [0-9.]+ GB/s read bandwidth \([0-9.]+ tokens/s\) in the best of 2 attempts; the floor is 10\.000\n"));
        Assert.That(run.Output, Does.Match(@"MISSED: small, portable, prefill: [0-9.]+ of [0-9.]+ Gop/s peak \([0-9.]+ tokens/s\) in the best of 2 attempts; the floor is 10\.000\n"));
        Assert.That(run.Lines[^1], Is.EqualTo("perf-gate: 2 rows judged, 2 missed, 0 not gated"));
    }

    [Test]
    public void Gate_that_judges_nothing_has_a_code_of_its_own()
    {
        ProgramRun run = Gate(10, measured: false);
        Assert.That(run.ExitCode, Is.EqualTo(5), run.Output + run.Error);
        Assert.That(run.Output, Does.Contain("not gated: no machine has been measured").And.Contain("nothing was judged"));
    }

    [Test]
    public void Gate_shows_what_kernels_that_run_twice_do()
    {
        ProgramRun run = Gate(10, measured: true, "--slowdown", "2");
        Assert.That(run.ExitCode, Is.EqualTo(4), run.Output + run.Error);
        string[][] rows = [.. run.Lines.Where(l => l.StartsWith("| small | portable |", StringComparison.Ordinal)).Select(l => l.Split('|'))];
        Assert.That(rows, Has.Length.EqualTo(2));
        Assert.That(rows.Select(r => double.Parse(r[8], CultureInfo.InvariantCulture)), Is.All.InRange(0.3, 0.8));
        Assert.That(rows.Select(r => r[10].Trim()), Is.All.EqualTo("1"), "nothing is measured again");
    }

    [Test]
    public void Gate_suggests_a_budget_that_it_passes()
    {
        using Samples samples = new();
        ProgramRun suggested = ProgramRun.Of("bench", "--gate", samples.Write("budget.json", Budget(9, true)), "--suggest", "2", "--only", "small");
        Assert.That(suggested.ExitCode, Is.Zero, suggested.Error);
        Assert.That(suggested.Output, Does.Match("\"portable\": { \"decode\": [0-9.]+, \"prefill\": [0-9.]+, \"measured\": true }").And.Not.Contain("9.00"));
        ProgramRun judged = ProgramRun.Of("bench", "--gate", samples.Write("suggested.json", suggested.Output.Replace("\"tolerance\": 1,", "\"tolerance\": 0.1,", StringComparison.Ordinal)));
        Assert.That(judged.ExitCode, Is.Zero, judged.Output + judged.Error);
    }

    [TestCase("{", 3)]
    [TestCase("{\"tolerance\": 1}", 3)]
    public void A_budget_that_cannot_be_used_is_no_missed_budget(string text, int code)
    {
        using Samples samples = new();
        Assert.That(ProgramRun.Of("bench", "--gate", samples.Write("budget.json", text)).ExitCode, Is.EqualTo(code));
    }

    private static ProgramRun Gate(double expected, bool measured, params string[] more)
    {
        using Samples samples = new();
        return ProgramRun.Of(["bench", "--threads", "1", "--gate", samples.Write("budget.json", Budget(expected, measured)), .. more]);
    }

    private static string Budget(double expected, bool measured) => string.Create(CultureInfo.InvariantCulture, $$"""
        {
          "tolerance": 1, "prompt": 16, "generate": 4, "repetitions": 5, "retries": 1,
          "cases": [
            { "name": "small", "synthetic": "smollm2", "type": "q8_0", "max_gib": 0.05,
              "levels": { "portable": { "decode": {{expected}}, "prefill": {{expected}}, "measured": {{(measured ? "true" : "false")}} } } },
            { "name": "other", "synthetic": "smollm2", "type": "q4_0", "max_gib": 0.05, "levels": {} },
            { "name": "absent", "model": "no-such.gguf", "levels": { "portable": { "decode": 1, "prefill": 1, "measured": true } } }
          ]
        }
        """);

    private static void AssertRow(JsonElement row, string work, string limit, int generated)
    {
        Assert.That(row.GetProperty("prompt").GetInt32(), Is.EqualTo(8));
        Assert.That(row.GetProperty("generated").GetInt32(), Is.EqualTo(generated));
        Assert.That(row.GetProperty("batch").GetInt32(), Is.EqualTo(1));
        Assert.That(row.GetProperty(work).GetDouble(), Is.Positive);
        foreach (string spread in new[] { "tokens_per_second", limit, "share_of_limit" })
        {
            AssertSpread(row.GetProperty(spread));
        }
    }

    private static void AssertSpread(JsonElement spread)
    {
        double median = spread.GetProperty("median").GetDouble();
        Assert.That(spread.GetProperty("min").GetDouble(), Is.Positive.And.LessThanOrEqualTo(median));
        Assert.That(spread.GetProperty("max").GetDouble(), Is.GreaterThanOrEqualTo(median));
    }
}
