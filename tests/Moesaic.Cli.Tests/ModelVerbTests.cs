using System.Text.Json;
using Moesaic.TestSupport;

namespace Moesaic.Cli.Tests;

/// <summary>chat, inspect and doctor on what every clone has.</summary>
public sealed class ModelVerbTests
{
    [Test]
    public void Chat_answers_line_by_line_until_it_is_told_to_leave()
    {
        ProgramRun run = ProgramRun.WithInput("define river\n\n/reset\ndefine river\n/exit\ndefine river\n", "chat");
        Assert.That(run.ExitCode, Is.Zero, run.Error);
        Assert.That(run.Lines, Is.EqualTo(Enumerable.Repeat("river (noun): a large natural stream of water (larger than a creek)", 2)));
    }

    [Test]
    public void Chat_keeps_the_conversation()
    {
        // A context that holds one turn and not two: the second is refused, which only a kept history can bring about.
        ProgramRun run = ProgramRun.WithInput("define river\ndefine river\n/reset\ndefine river\n", "chat", "--context", "32");
        Assert.That((run.ExitCode, run.Lines.Length), Is.EqualTo((4, 2)), run.Error);
        Assert.That(run.Error, Does.Contain("the context holds 32").And.Contain("forgotten"));
    }

    [Test]
    public void Inspect_tells_a_mixture_of_experts_without_loading_it()
    {
        string folder = TestPaths.TestData("fixtures", "ling_mtp");
        ProgramRun run = ProgramRun.Of("inspect", "--model", folder, "--json");
        Assert.That((run.ExitCode, run.Error), Is.EqualTo((0, "")));
        using JsonDocument json = JsonDocument.Parse(run.Output);
        using JsonDocument config = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "config.json")));
        JsonElement root = json.RootElement;
        int Configured(string name) => config.RootElement.GetProperty(name).GetInt32();
        Assert.Multiple(() =>
        {
            Assert.That(root.GetProperty("layers").GetInt32(), Is.EqualTo(Configured("num_hidden_layers")));
            Assert.That(root.GetProperty("experts").GetInt32(), Is.EqualTo(Configured("num_experts")));
            Assert.That(root.GetProperty("vocabulary_size").GetInt32(), Is.EqualTo(Configured("vocab_size")));
            Assert.That(root.GetProperty("mtp_layers").GetInt32(), Is.EqualTo(1));
            Assert.That(root.GetProperty("active_parameters").GetInt64(), Is.LessThan(root.GetProperty("parameters").GetInt64()));
            Assert.That(root.GetProperty("ignored").GetArrayLength(), Is.Positive);
            Assert.That(root.GetProperty("tokenizer").ValueKind, Is.EqualTo(JsonValueKind.Null));
            Assert.That(root.GetProperty("memory").GetArrayLength(), Is.Positive);
        });
    }

    [Test]
    public void Inspect_is_readable_for_people()
    {
        ProgramRun run = ProgramRun.Of("inspect");
        Assert.That(run.ExitCode, Is.Zero, run.Error);
        Assert.That(run.Output, Does.Contain("Ling 2.0").And.Contain("type Q8_0").And.Match(@"chat template +yes").And.Match("1024 +[0-9.]+ +[0-9.]+ +[0-9.]+\n"));
    }

    [Test]
    public void Doctor_finds_all_parts_in_order()
    {
        ProgramRun run = ProgramRun.Of("doctor", "--json", "--isa", "portable", "--threads", "1");
        Assert.That((run.ExitCode, run.Error), Is.EqualTo((0, "")));
        using JsonDocument json = JsonDocument.Parse(run.Output);
        Assert.That(json.RootElement.GetProperty("ok").GetBoolean());
        Assert.That(json.RootElement.GetProperty("instruction_set").GetString(), Does.StartWith("portable: asked for"));
    }

    /// <summary>Whatever of CUDA is here, each part is told and the CPU is chosen with a reason.</summary>
    [Test]
    public void Doctor_tells_of_cuda_and_why_the_cpu_runs()
    {
        ProgramRun run = ProgramRun.Of("doctor", "--json", "--threads", "1", "--device", "cpu");
        Assert.That((run.ExitCode, run.Error), Is.EqualTo((0, "")));
        using JsonDocument json = JsonDocument.Parse(run.Output);
        JsonElement cuda = json.RootElement.GetProperty("cuda");
        int devices = cuda.GetProperty("devices").GetArrayLength();
        Assert.Multiple(() =>
        {
            Assert.That(cuda.GetProperty("library").GetString(), Is.EqualTo(Path.Combine(RunningProgram.Folder, "libmoesaic_cuda.so")));
            Assert.That(cuda.GetProperty("library_found").GetBoolean(), Is.EqualTo(File.Exists(cuda.GetProperty("library").GetString())));
            Assert.That(cuda.GetProperty("problem").GetString(), devices == 0 ? Is.Not.Empty : Is.Empty);
            Assert.That(json.RootElement.GetProperty("backend").GetString(), Does.StartWith("cpu: ").And.Contain("CUDA device"));
            Assert.That(json.RootElement.GetProperty("cuda_devices").GetString(), devices == 0 ? Does.StartWith("none: ") : Does.Contain("compute capability"));
        });

        ProgramRun text = ProgramRun.Of("doctor", "--threads", "1");
        Assert.That(text.Output, Does.Match("cuda driver +[^ ]").And.Match("cuda library +[^ ]").And.Match("cuda devices +[^ ]"));
    }

    [TestCase("cuda", "no model runs on a CUDA device yet")]
    [TestCase("CUDA:1", "no model runs on a CUDA device yet")]
    [TestCase("cuda:", "expected cpu, cuda or cuda:N")]
    [TestCase("cuda:x", "expected cpu, cuda or cuda:N")]
    [TestCase("gpu", "expected cpu, cuda or cuda:N")]
    public void Devices_that_run_no_model_are_refused_by_name(string device, string reason)
    {
        Assert.Multiple(() =>
        {
            foreach (string[] verb in new string[][] { ["generate", "x"], ["score", "x"], ["chat"], ["bench"], ["doctor"] })
            {
                ProgramRun run = ProgramRun.Of([.. verb, "--device", device]);
                Assert.That(run.ExitCode, Is.EqualTo(2), verb[0]);
                Assert.That(run.Error, Does.Contain($"--device is '{device}'").And.Contain(reason), verb[0]);
            }
        });
    }

    [TestCase("generate", "--temperature")]
    [TestCase("chat", "--system")]
    [TestCase("score", "--mtp-logits")]
    [TestCase("inspect", "--model")]
    [TestCase("doctor", "--isa")]
    public void Every_verb_has_help(string verb, string option)
    {
        ProgramRun run = ProgramRun.Of(verb, "--help");
        Assert.That((run.ExitCode, run.Error), Is.EqualTo((0, "")));
        Assert.That(run.Output, Does.Contain(option).And.Contain("usage: moesaic " + verb));
    }
}
