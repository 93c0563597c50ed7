using System.Text.Json;
using Moesaic.TestSupport;

namespace Moesaic.Cli.Tests;

/// <summary>quantize from the command line: a checkpoint with a tokenizer becomes a file that runs.</summary>
public sealed class QuantizeTests
{
    private const string Text = "a large natural stream of water flows in the land and its people live by it; they go there to see the old trees";

    [Test]
    public void A_quantised_model_runs_and_its_perplexity_is_told()
    {
        using TemporaryFolder folder = new();
        string source = WriteSource(folder), text = folder.Combine("text.txt"), output = folder.Combine("out.gguf");
        File.WriteAllText(text, Text);
        ProgramRun run = ProgramRun.Of("quantize", source, output, "--type", "q8_0", "--calibration", text, "--evaluate", text, "--chunk", "64", "--json");
        Assert.That((run.ExitCode, run.Error), Is.EqualTo((0, "")));
        using JsonDocument json = JsonDocument.Parse(run.Output);
        JsonElement root = json.RootElement, perplexity = root.GetProperty("perplexity");
        Assert.Multiple(() =>
        {
            Assert.That(root.GetProperty("bytes").GetInt64(), Is.EqualTo(new FileInfo(output).Length));
            Assert.That(root.GetProperty("has_tokenizer").GetBoolean());
            Assert.That(root.GetProperty("calibrated_matrices").GetInt32(), Is.GreaterThan(20));
            Assert.That(perplexity.GetProperty("after").GetDouble(), Is.EqualTo(perplexity.GetProperty("before").GetDouble()).Within(5).Percent);
            Assert.That(root.GetProperty("tensors").EnumerateArray().Where(t => t.GetProperty("to").GetString() == "Q8_0").Select(t => t.GetProperty("relative_error").GetDouble()), Is.All.InRange(1e-4, 0.02));
        });
        ProgramRun generated = ProgramRun.Of("generate", "--model", output, "--raw", "a large", "--max-tokens", "4");
        Assert.That(generated.ExitCode, Is.Zero, generated.Error);
    }

    [Test]
    public void A_table_is_printed_and_a_missing_tokenizer_is_said()
    {
        using TemporaryFolder folder = new();
        ProgramRun run = ProgramRun.Of("quantize", TestPaths.TestData("fixtures", "ling_mtp"), folder.Combine("out.gguf"), "--type", "q4_k");
        Assert.That(run.ExitCode, Is.Zero, run.Error);
        Assert.That(run.Error, Does.Contain("has no tokenizer"));
        Assert.That(run.Output, Does.Contain("| blk.1.ffn_up_exps.weight | 16x48x64 | BF16 | Q5_0 (rows do not fit) |"));
        Assert.That(run.Lines[^1], Does.Contain("q4_k").And.Contain("tensors"));
    }

    [Test]
    public void An_encoder_becomes_a_file_that_embeds_alike()
    {
        using TemporaryFolder folder = new();
        string source = SmallEncoder.Write(folder.Path), output = folder.Combine("out.gguf");
        ProgramRun run = ProgramRun.Of("quantize", source, output, "--type", "f32");
        Assert.That(run.ExitCode, Is.Zero, run.Error);
        ProgramRun[] vectors = [.. new[] { source, output }.Select(model => ProgramRun.Of("embed", "--model", model, "--precision", "reference", "a river", "Stones."))];
        Assert.That(vectors.Select(v => v.ExitCode), Is.All.Zero, vectors[1].Error);
        Assert.That(vectors[1].Output, Is.EqualTo(vectors[0].Output));
        ProgramRun evaluated = ProgramRun.Of("quantize", source, output, "--type", "f32", "--force", "--evaluate", folder.Combine("absent.txt"));
        Assert.That((evaluated.ExitCode, evaluated.Output), Is.EqualTo((2, "")));
        Assert.That(evaluated.Error, Does.Contain("--evaluate").And.Contain("is an encoder"));
    }

    [TestCase(2, "--type", "bogus", "q4_k_m")]
    [TestCase(2, "--type", "q4_0", "is there already")]
    [TestCase(2, "--chunk", "1", "--chunk is 1")]
    [TestCase(2, "--calibration", "absent.txt", "absent.txt")]
    public void Wrong_options_are_one_line(int code, string option, string value, string named)
    {
        using TemporaryFolder folder = new();
        string output = folder.Combine("out.gguf");
        if (named == "is there already")
        {
            File.WriteAllText(output, "mine");
        }

        string[] type = option == "--type" ? [] : ["--type", "q4_0"];
        ProgramRun run = ProgramRun.Of(["quantize", TestPaths.TestData("fixtures", "qwen2"), output, .. type, option, value]);
        Assert.That((run.ExitCode, run.Output), Is.EqualTo((code, "")), run.Error);
        Assert.That(run.Error, Does.Contain(named));
        Assert.That(run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries), Has.Length.EqualTo(1));
    }

    [Test]
    public void Bad_models_are_exit_code_3_and_leave_nothing()
    {
        using TemporaryFolder folder = new();
        ProgramRun gguf = ProgramRun.Of("quantize", TestPaths.TestData("fixtures", "ling", "model.gguf"), folder.Combine("out.gguf"), "--type", "q4_0");
        Assert.That((gguf.ExitCode, gguf.Output), Is.EqualTo((3, "")), gguf.Error);
        Assert.That(gguf.Error, Does.Contain("it is a GGUF file already"));
        ProgramRun absent = ProgramRun.Of("quantize", folder.Combine("nothing"), folder.Combine("out.gguf"), "--type", "q4_0");
        Assert.That((absent.ExitCode, absent.Output), Is.EqualTo((3, "")), absent.Error);
        Assert.That(Directory.GetFiles(folder.Path), Is.Empty);
    }

    // A fixture with a byte-level tokenizer of fewer tokens than the fixture has rows.
    private static string WriteSource(TemporaryFolder folder)
    {
        string source = Directory.CreateDirectory(folder.Combine("source")).FullName;
        foreach (string file in Directory.GetFiles(TestPaths.TestData("fixtures", "qwen2")).Where(f => !f.EndsWith("reference.safetensors", StringComparison.Ordinal)))
        {
            File.Copy(file, Path.Combine(source, Path.GetFileName(file)));
        }

        File.WriteAllText(Path.Combine(source, "tokenizer.json"), Tokenizer());
        return source;
    }

    private static string Tokenizer()
    {
        // GPT-2's alphabet: printable bytes stand for themselves, the others follow from 256 on.
        int next = 256;
        List<string> tokens = [.. Enumerable.Range(0, 256).Select(b => ((char)(b is (>= 33 and <= 126) or (>= 161 and <= 172) or >= 174 ? b : next++)).ToString())];
        (string, string)[] merges = [("t", "h"), ("i", "n"), ("th", "e"), ("\u0120", "a"), ("e", "r")];
        tokens.AddRange(merges.Select(m => m.Item1 + m.Item2));
        string vocabulary = string.Join(',', tokens.Select((token, id) => $"{JsonSerializer.Serialize(token)}:{id}"));
        string pairs = string.Join(',', merges.Select(m => JsonSerializer.Serialize(new[] { m.Item1, m.Item2 })));
        return $$$"""
            {"version":"1.0","added_tokens":[],"normalizer":null,"pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false,"use_regex":true},
             "post_processor":null,"decoder":{"type":"ByteLevel"},"model":{"type":"BPE","vocab":{ {{{vocabulary}}} },"merges":[{{{pairs}}}]}}
            """;
    }
}
