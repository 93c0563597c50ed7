using System.Text.Json;

namespace Moesaic.Cli.Tests;

/// <summary>What a person sees in a terminal: nothing from a model or a file may command it. Run through script(1), which gives a pseudo-terminal.</summary>
[Platform(Exclude = "Win", Reason = "needs a pseudo-terminal")]
public sealed class TerminalTests : IDisposable
{
    private const char Escape = '\u001b';
    private const char CommandSequence = '\u009b';

    private readonly Samples _samples = new();

    public void Dispose() => _samples.Dispose();

    [Test]
    public void Control_characters_of_a_result_are_written_out_in_a_terminal_only()
    {
        string text = $"a{Escape}[2J\tb{CommandSequence}31mc\r\nd\re\u007f\u0007ö😀";
        string file = _samples.Write("plain.jinja", "{{ messages[0].content }}");
        string input = _samples.Write("input.json", JsonSerializer.Serialize(new { messages = new[] { new { role = "user", content = text } } }));
        Assert.That(InTerminal("", "template", "-t", file, "--input", input).Output, Is.EqualTo("a\\x1b[2J\tb\\x9b31mc\r\r\nd\\x0de\\x7f\\x07ö😀\r\n"));
        Assert.That(ProgramRun.Of("template", "-t", file, "--input", input).Output, Is.EqualTo(text));
    }

    [TestCase("generate", "define river")]
    [TestCase("chat")]
    public void A_model_cannot_command_the_terminal(params string[] arguments)
    {
        // Forced to answer with the byte of the escape character, whichever token that is.
        string token = ProgramRun.Of("tokenize", $"{Escape}").Output.Trim();
        ProgramRun run = InTerminal("define river\n\u0004", [.. arguments, "--logit-bias", $"{token}=1000", "--max-tokens", "3"]);
        Assert.That(run.Output, Does.Contain("\\x1b\\x1b\\x1b"), run.Error);

        // To read from a terminal the runtime prepares it, before the first answer.
        string written = arguments[0] == "chat" ? run.Output[run.Output.IndexOf("\\x1b", StringComparison.Ordinal)..] : run.Output;
        Assert.That(written, Does.Not.Contain(Escape));
        Assert.That(run.ExitCode, Is.Zero);
    }

    [Test]
    public void A_chat_tells_once_what_loading_took_and_each_answers_own_times()
    {
        ProgramRun run = InTerminal("define river\ndefine stone\n\u0004", "chat", "--max-tokens", "3");
        Assert.That((Count("loaded in"), Count("[prefill")), Is.EqualTo((1, 2)), run.Output);
        Assert.That(run.Output, Does.Match(", loaded in [0-9.]+ s: /reset"));

        int Count(string text) => run.Output.Split(text).Length - 1;
    }

    [Test]
    public void Tokens_are_shown_without_their_control_characters()
    {
        ProgramRun run = InTerminal("", "tokenize", "-t", TokenizerWith($"x{Escape}[2J"), $"x{Escape}[2J");
        Assert.That(run.Output, Does.Contain("x\\x1b[2J").And.Contain("1 tokens"));
        Assert.That(run.Output, Does.Not.Contain($"{Escape}[2J"));
    }

    [TestCase(false)]
    [TestCase(true)]
    public void A_message_shows_what_a_file_says_bounded_and_without_control_characters(bool inTerminal)
    {
        string name = $"Evil{Escape}[2J\u202e" + new string('x', 100_000);
        string config = _samples.Write("config.json", JsonSerializer.Serialize(new Dictionary<string, object> { ["architectures"] = new[] { name }, ["model_type"] = name }));
        string[] arguments = ["inspect", "--model", Path.GetDirectoryName(config)!];
        const string header = """{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""";
        _samples.Write("model.safetensors", $"{(char)header.Length}\0\0\0\0\0\0\0{header}\0\0\0\0");
        ProgramRun run = inTerminal ? InTerminal("", arguments) : ProgramRun.Of(arguments);
        string message = inTerminal ? run.Output : run.Error;
        Assert.That(run.ExitCode, Is.EqualTo(3), message);
        Assert.That(message, Does.StartWith("moesaic: ").And.Contain("Evil\\x1b[2J\\u202exxx").And.Match("[0-9]+ characters left out"));
        Assert.That(message, Has.Length.LessThan(2200).And.Not.Contain(Escape).And.Not.Contain('\u202e'));
    }

    private string TokenizerWith(string word) => _samples.Write(
        "word.json",
        $$"""
        {"model": {"type": "WordLevel", "unk_token": "?", "vocab": {"?": 0, {{JsonSerializer.Serialize(word)}}: 1} } }
        """);

    private static ProgramRun InTerminal(string input, params string[] arguments)
    {
        string[] words = [Path.Combine(RunningProgram.Folder, RunningProgram.ProgramName), .. arguments];
        using RunningProgram script = RunningProgram.StartFile(
            "/usr/bin/script", "--quiet", "--return", "--command", string.Join(' ', words.Select(w => $"'{w.Replace("'", "'\\''", StringComparison.Ordinal)}'")), "/dev/null");
        script.WriteInput(input);
        return script.End();
    }
}
