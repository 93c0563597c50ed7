namespace Moesaic.Cli.Tests;

/// <summary>Standard streams as a shell can arrange them.</summary>
[Platform(Exclude = "Win", Reason = "needs bash")]
public sealed class ShellTests
{
    [TestCase("\"$0\" generate --ignore-end 'define river' | head -c 5", "river", 141)]
    [TestCase("\"$0\" inspect | true", "", 141)]
    [TestCase("\"$0\" --help | true", "", 141)]
    public void A_reader_that_leaves_ends_the_program_without_a_word(string script, string output, int code)
    {
        ProgramRun run = Bash(script + "; echo \" ${PIPESTATUS[0]}\"");
        Assert.That((run.Output, run.Error), Is.EqualTo(($"{output} {code}\n", "")));
    }

    [TestCase("\"$0\" --version")]
    [TestCase("\"$0\" inspect")]
    [TestCase("\"$0\" generate 'define river'")]
    public void Output_that_cannot_be_written_is_a_failure(string script)
    {
        ProgramRun run = Bash(script + " > /dev/full");
        Assert.That(run.ExitCode, Is.EqualTo(4));
        Assert.That(run.Error, Is.EqualTo("moesaic: standard output cannot be written: No space left on device\n"));
    }

    [TestCase("2>&-")]
    [TestCase("2>/dev/full")]
    public void Lost_messages_do_not_lose_the_answer(string redirection)
    {
        ProgramRun run = Bash($"\"$0\" generate 'define river' {redirection}");
        Assert.That((run.ExitCode, run.Output), Is.EqualTo((0, "river (noun): a large natural stream of water (larger than a creek)\n")));
    }

    [TestCase("generate", 2, "moesaic: the prompt is empty\n")]
    [TestCase("generate 'define river'", 0, "")]
    [TestCase("chat", 0, "")]
    public void A_closed_standard_input_is_an_empty_one(string arguments, int code, string error)
    {
        ProgramRun run = Bash($"\"$0\" {arguments} <&-");
        Assert.That(run.ExitCode, Is.EqualTo(code), run.Error);
        Assert.That(run.Error, error.Length > 0 ? Is.EqualTo(error) : Does.Not.Contain("moesaic:"));
    }

    [Test]
    public void Both_streams_share_one_file()
    {
        // Each at its own position would write over the other.
        ProgramRun run = Bash("f=$(mktemp); \"$0\" generate 'define river' > \"$f\" 2>&1; cat \"$f\"; rm \"$f\"");
        Assert.That(run.Lines, Has.Length.EqualTo(2));
        Assert.That(run.Lines[0], Is.EqualTo("river (noun): a large natural stream of water (larger than a creek)"));
        Assert.That(run.Lines[1], Does.StartWith("[prefill "));
    }

    private static ProgramRun Bash(string script)
    {
        using RunningProgram bash = RunningProgram.StartFile(
            "/bin/bash", "-c", "export PATH=/usr/bin:/bin; " + script, Path.Combine(RunningProgram.Folder, RunningProgram.ProgramName));
        bash.WriteInput("");
        return bash.End();
    }
}
