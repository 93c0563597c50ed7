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
