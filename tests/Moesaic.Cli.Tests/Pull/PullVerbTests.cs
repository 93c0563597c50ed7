using System.Text.Json;
using Moesaic.TestSupport;

namespace Moesaic.Cli.Tests.Pull;

/// <summary>The verb as a program.</summary>
internal sealed class PullVerbTests
{
    [Test]
    public void Json_tells_what_was_fetched_and_where_the_model_is()
    {
        using ScriptedHub hub = new();
        using TemporaryFolder folder = new();
        hub.Add("x-Q4_0.gguf", 5000, isLarge: true);
        hub.Add("x-Q8_0.gguf", 9000, isLarge: true);
        string[] arguments = ["pull", ScriptedHub.Repository + ":Q4_0", "--endpoint", hub.Address.ToString(), "--output", folder.Path, "--json"];
        ProgramRun run = ProgramRun.Of(arguments);
        Assert.That(run.ExitCode, Is.Zero, run.Error);
        JsonElement json = JsonElement.Parse(run.Output);
        Assert.That(json.GetProperty("model").GetString(), Is.EqualTo(folder.Combine("x-Q4_0.gguf")));
        Assert.That(json.GetProperty("files")[0].GetProperty("state").GetString(), Is.EqualTo("downloaded"));
        Assert.That(json.GetProperty("bytes_transferred").GetInt64(), Is.EqualTo(5000));
        json = JsonElement.Parse(ProgramRun.Of(arguments).Output);
        Assert.That(json.GetProperty("files")[0].GetProperty("state").GetString(), Is.EqualTo("present"));
        Assert.That(json.GetProperty("bytes_transferred").GetInt64(), Is.Zero);
    }

    [Test]
    [Platform(Exclude = "Win", Reason = "signals")]
    public void Ctrl_c_leaves_what_the_next_run_goes_on_with()
    {
        using ScriptedHub hub = new();
        using TemporaryFolder folder = new();
        byte[] content = hub.Add("x.gguf", 1_000_000, isLarge: true);
        using ManualResetEventSlim begun = new();
        hub.Script = request =>
        {
            if (!request.Path.Contains("/resolve/", StringComparison.Ordinal))
            {
                return null;
            }

            begun.Set();
            return hub.Content(request) with { StopAfter = 600_000 };
        };
        string[] arguments = ["pull", ScriptedHub.Repository, "--endpoint", hub.Address.ToString(), "--output", folder.Path];
        using (RunningProgram program = RunningProgram.Start(arguments))
        {
            Assert.That(begun.Wait(TimeSpan.FromSeconds(60)));
            Assert.That(SpinWait.SpinUntil(() => PartBytes(folder.Path) == 600_000, TimeSpan.FromSeconds(60)));
            program.Signal("INT");
            Assert.That(program.End().ExitCode, Is.EqualTo(130));
        }

        Assert.That(File.Exists(folder.Combine("x.gguf")), Is.False);
        hub.Script = static _ => null;
        ProgramRun run = ProgramRun.Of(arguments);
        Assert.That(run.ExitCode, Is.Zero, run.Error);
        Assert.That(run.Output.Trim(), Is.EqualTo(folder.Combine("x.gguf")));
        Assert.That(hub.ContentRequests.Last().RangeBegin, Is.EqualTo(600_000));
        Assert.That(File.ReadAllBytes(folder.Combine("x.gguf")), Is.EqualTo(content));
    }

    [TestCase("no model's name", "tiny")]
    [TestCase("name one model", "a/b", "c/d")]
    [TestCase("both name a revision", "a/b@x", "--revision", "y")]
    [TestCase("expected https://HOST", "a/b", "--endpoint", "ftp://x")]
    [TestCase("the token would be sent", "a/b", "--endpoint", "http://hub.example", "--token", "t")]
    [TestCase("the token is empty", "a/b", "--token", "a b")]
    public void Impossible_wishes_are_bad_usage(string problem, params string[] arguments)
    {
        ProgramRun run = ProgramRun.Of(["pull", .. arguments]);
        Assert.That(run.ExitCode, Is.EqualTo(2), run.Error);
        Assert.That(run.Error, Does.Contain(problem));
    }

    [Test]
    [Platform(Exclude = "Win", Reason = "env")]
    public void A_pulled_model_runs_by_its_name()
    {
        using ScriptedHub hub = new();
        using TemporaryFolder models = new();
        using TemporaryFolder source = new();
        foreach (string file in Directory.EnumerateFiles(ScriptedCheckpoint.Write(source.Path)))
        {
            hub.Add(Path.GetFileName(file), File.ReadAllBytes(file), isLarge: file.EndsWith(".safetensors", StringComparison.Ordinal));
        }

        ProgramRun pulled = Run("pull", ScriptedHub.Repository);
        Assert.That(pulled.ExitCode, Is.Zero, pulled.Error);
        Assert.That(pulled.Output.Trim(), Is.EqualTo(models.Combine(Path.Combine("acme", "tiny"))));
        ProgramRun run = Run("generate", "-m", ScriptedHub.Repository, "Tell me");
        Assert.That(run.Output.Trim(), Is.EqualTo(ScriptedCheckpoint.Answer), run.Error);
        Assert.That(Run("inspect", ScriptedHub.Repository).ExitCode, Is.Zero);
        Assert.That(Run("tokenize", "--tokenizer", ScriptedHub.Repository, "a").ExitCode, Is.Zero);

        ProgramRun Run(params string[] arguments)
        {
            using RunningProgram program = RunningProgram.StartFile(
                "/usr/bin/env", [$"MOESAIC_MODELS={models.Path}", $"HF_ENDPOINT={hub.Address}", Path.Combine(RunningProgram.Folder, RunningProgram.ProgramName), .. arguments]);
            program.WriteInput("");
            return program.End();
        }
    }

    [Test]
    public void A_model_that_was_not_pulled_is_told_how_to_get()
    {
        ProgramRun run = ProgramRun.Of("generate", "-m", "acme/never-pulled", "hello");
        Assert.That(run.ExitCode, Is.EqualTo(3), run.Error);
        Assert.That(run.Error, Does.Contain("moesaic pull acme/never-pulled"));
    }

    private static long PartBytes(string folder) => Directory.EnumerateFiles(folder, "*.part").Where(static f => !f.Contains(".tag", StringComparison.Ordinal)).Sum(static f => new FileInfo(f).Length);
}
