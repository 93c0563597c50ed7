using System.Text.Json;

namespace Moesaic.Cli.Tests;

/// <summary>generate on the embedded model, as a user calls it. Expected answers are those of its reference results.</summary>
public sealed class GenerateTests : IDisposable
{
    private const string River = "river (noun): a large natural stream of water (larger than a creek)";
    private static readonly int[] s_prompt = [3, 333, 4, 447, 2059, 2, 3, 332, 4];
    private static readonly int[] s_answer = [86, 825, 283, 293, 311, 262, 744, 1189, 4587, 276, 887, 283, 1494, 1054, 1018, 262, 280, 1809, 13, 2];

    private readonly Samples _samples = new();

    public void Dispose() => _samples.Dispose();

    [Test]
    public void The_embedded_model_answers_as_its_reference_does()
    {
        ProgramRun run = ProgramRun.Of("generate", "define river");
        Assert.That((run.ExitCode, run.Output), Is.EqualTo((0, River + "\n")), run.Error);
        Assert.That(run.Error, Does.Match(@"^\[prefill 9 tokens at [\d.]+ tokens/s, decode 20 tokens at [\d.]+ tokens/s, .*ended by stop\]\n$"));
    }

    [Test]
    public void A_prompt_comes_from_standard_input_or_a_file_too()
    {
        Assert.That(ProgramRun.WithInput("define river\n", "generate").Output, Is.EqualTo(River + "\n"));
        Assert.That(ProgramRun.Of("generate", "--prompt-file", _samples.Write("prompt.txt", "define river\n")).Output, Is.EqualTo(River + "\n"));
    }

    [Test]
    public void Json_has_text_ids_and_log_probabilities()
    {
        using JsonDocument json = JsonDocument.Parse(ProgramRun.Of("generate", "define river", "--json", "--logprobs", "2").Output);
        JsonElement root = json.RootElement;
        Assert.Multiple(() =>
        {
            Assert.That(root.GetProperty("text").GetString(), Is.EqualTo(River));
            Assert.That(Ids(root.GetProperty("ids")), Is.EqualTo(s_answer));
            Assert.That(Ids(root.GetProperty("prompt_ids")), Is.EqualTo(s_prompt));
            Assert.That(root.GetProperty("finish_reason").GetString(), Is.EqualTo("stop"));
            Assert.That(root.GetProperty("usage").GetProperty("completion_tokens").GetInt32(), Is.EqualTo(s_answer.Length));
            JsonElement first = root.GetProperty("logprobs")[0];
            Assert.That(first.GetProperty("id").GetInt32(), Is.EqualTo(s_answer[0]));
            Assert.That(first.GetProperty("logprob").GetDouble(), Is.InRange(-1, 0));
            Assert.That(first.GetProperty("top").GetArrayLength(), Is.EqualTo(2));
        });
    }

    [TestCase(false)]
    [TestCase(true)]
    public void Ids_in_give_ids_out_in_the_same_form(bool nested)
    {
        string ids = $"[{string.Join(',', s_prompt)}]";
        string file = _samples.Write("ids.json", nested ? $"{{\"ids\":[{ids},{ids}]}}" : $"{{\"ids\":{ids}}}");
        using JsonDocument json = JsonDocument.Parse(ProgramRun.Of("generate", "--ids", file, "--json", "--max-tokens", "5").Output);
        JsonElement found = json.RootElement.GetProperty("ids");
        JsonElement[] rows = nested ? [.. found.EnumerateArray()] : [found];
        Assert.That(rows.Select(Ids), Is.EqualTo(Enumerable.Repeat(s_answer[..5], nested ? 2 : 1)));
    }

    [Test]
    public void Stop_strings_end_the_answer_also_across_tokens()
    {
        // "natural stream" is no token; the second occurrence of the option must count as well, and the prompt stay the prompt.
        ProgramRun run = ProgramRun.Of("generate", "--stop", "zzz", "--stop", "ural str", "define river");
        Assert.That((run.ExitCode, run.Output), Is.EqualTo((0, "river (noun): a large nat\n")), run.Error);
    }

    [Test]
    public void A_seed_makes_sampling_repeatable()
    {
        string[] Draw(string seed) => ProgramRun.Of("generate", "define river", "--temperature", "1.5", "--seed", seed, "--max-tokens", "24").Lines;
        string[] first = Draw("7");
        Assert.That(Draw("7"), Is.EqualTo(first));
        Assert.That(Draw("8"), Is.Not.EqualTo(first));
    }

    [TestCase("--temperature is -1", "--temperature", "-1")]
    [TestCase("--top-p is 0", "--top-p", "0")]
    [TestCase("--logit-bias has 'x'", "--logit-bias", "x")]
    [TestCase("--isa is 'sse'", "--isa", "sse")]
    [TestCase("--threads is 0", "--threads", "0")]
    [TestCase("1 to 1024", "--context", "4096")]
    [TestCase("holds 5", "--context", "5")]
    [TestCase("--logprobs needs --json", "--logprobs", "1")]
    [TestCase("exclude one another", "--prompt-file", "absent.txt")]
    [TestCase("needs a value", "--stop")]
    public void Impossible_values_are_one_line_and_exit_code_2(string named, params string[] options)
    {
        ProgramRun run = ProgramRun.Of(["generate", "define river", .. options]);
        Assert.That((run.ExitCode, run.Output), Is.EqualTo((2, "")), run.Error);
        Assert.That(run.Error, Does.StartWith("moesaic: ").And.Contain(named));
        Assert.That(run.Error.Count(c => c == '\n'), Is.EqualTo(1), run.Error);
    }

    [Test]
    public void A_bad_model_is_exit_code_3()
    {
        foreach (string verb in new[] { "generate", "score", "chat", "inspect" })
        {
            ProgramRun run = ProgramRun.Of(verb, "--model", _samples.Write("broken.gguf", "GGUF----"));
            Assert.That((run.ExitCode, run.Output), Is.EqualTo((3, "")), verb);
            Assert.That(run.Error, Does.StartWith("moesaic: ").And.Contain("broken.gguf"), verb);
        }
    }

    [Platform(Exclude = "Win", Reason = "signals are sent as on Unix")]
    [TestCase("INT", 130)]
    [TestCase("TERM", 143)]
    public void A_signal_ends_an_answer_and_keeps_what_was_printed(string signal, int code)
    {
        using RunningProgram program = RunningProgram.Start("generate", "define river", "--ignore-end", "--threads", "1");
        program.WriteInput("");
        program.AwaitOutput("river");
        program.Signal(signal);
        ProgramRun run = program.End();
        Assert.That(run.ExitCode, Is.EqualTo(code), run.Error);
        Assert.That(run.Output, Does.StartWith("river").And.EndWith("\n"));
        Assert.That(run.Error, Does.Contain("ended by cancelled"));
    }

    private static int[] Ids(JsonElement array) => [.. array.EnumerateArray().Select(id => id.GetInt32())];
}
