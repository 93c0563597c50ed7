namespace Moesaic.Cli.Tests;

/// <summary>What holds for every verb: help, exit codes, one line of error, Ctrl-C.</summary>
public sealed class ProgramTests : IDisposable
{
    private readonly Samples _samples = new();

    public void Dispose() => _samples.Dispose();

    [TestCase("tokenize", "--no-special-tokens")]
    [TestCase("detokenize", "--skip-special-tokens")]
    [TestCase("template", "--no-generation-prompt")]
    public void Every_verb_has_help(string verb, string option)
    {
        ProgramRun own = ProgramRun.Of(verb, "--help");
        Assert.That((own.ExitCode, own.Error), Is.EqualTo((0, "")));
        Assert.That(own.Output, Does.Contain(option).And.Contain("--jsonl").And.Contain("--json"));
        Assert.That(ProgramRun.Of("help", verb).Output, Is.EqualTo(own.Output));
        Assert.That(ProgramRun.Of(verb, "-h").Output, Is.EqualTo(own.Output));
        Assert.That(ProgramRun.Of("--help").Output, Does.Contain(verb));
    }

    [Test]
    public void The_version_is_told() =>
        Assert.That(ProgramRun.Of("--version").Output, Does.Match(@"^moesaic \d+\.\d+\.\d+\n$"));

    [TestCase("unknown verb 'frobnicate'", "frobnicate")]
    [TestCase("unknown verb 'frobnicate'", "help", "frobnicate")]
    [TestCase("unknown option '--frobnicate'", "tokenize", "--frobnicate")]
    [TestCase("unknown option '-q'", "tokenize", "-q")]
    [TestCase("needs a value", "tokenize", "--tokenizer")]
    [TestCase("--system needs a value", "template", "--system", "--json", "x")]
    [TestCase("given twice", "tokenize", "-t", "a", "-t", "b", "x")]
    [TestCase("quotes", "tokenize", "two", "words")]
    [TestCase("--jsonl", "tokenize", "--jsonl", "text")]
    [TestCase("--jsonl", "detokenize", "--jsonl", "1")]
    [TestCase("--jsonl", "template", "--jsonl", "--json")]
    [TestCase("--input", "template", "--input", "x.json", "prompt")]
    [TestCase("'x1' is not a token id", "detokenize", "x1")]
    [TestCase("'-1' is not a token id", "detokenize", "--", "-1")]
    [TestCase("no token with the id 999999", "detokenize", "999999")]
    [TestCase("one argument too many", "chat", "hello")]
    [TestCase("one argument too many", "doctor", "--json", "--threads", "1", "hello")]
    [TestCase("one argument too many", "bench", "--", "hello")]
    [TestCase("--json takes no value", "generate", "x", "--json=true")]
    [TestCase("--max-tokens is '99999999999'; expected a whole number", "generate", "x", "--max-tokens", "99999999999")]
    [TestCase("--temperature is 'warm'; expected a number", "generate", "x", "--temperature=warm")]
    [TestCase("--seed is '-1'; expected a whole number from 0", "generate", "x", "--seed", "-1")]
    [TestCase("the prompt is empty", "generate", "")]
    [TestCase("the prompt is empty", "generate")]
    [TestCase("it is a folder", "generate", "--prompt-file", "/")]
    [TestCase("there is no such file", "score", "--file", "/absent")]
    [TestCase("it is a folder", "score", "x", "--logits", "/")]
    [TestCase("there is no such folder", "score", "x", "--mtp-logits", "/absent/x")]
    [TestCase("it is a device", "score", "x", "--logits", "/dev/null")]
    public void Bad_usage_is_one_line_and_exit_code_2(string named, params string[] arguments)
    {
        ProgramRun run = ProgramRun.Of(arguments);
        Assert.That(run.Error, Does.StartWith("moesaic: ").And.Contain(named).And.EndWith("\n"));
        Assert.That(run.Error.Count(c => c == '\n'), Is.EqualTo(1), run.Error);
        Assert.That((run.ExitCode, run.Output), Is.EqualTo((2, "")));
    }

    [Test]
    public void Without_a_verb_the_help_is_shown_and_the_exit_code_2()
    {
        ProgramRun run = ProgramRun.Of();
        Assert.That((run.ExitCode, run.Output), Is.EqualTo((2, "")));
        Assert.That(run.Error, Does.Contain("tokenize").And.Contain("no verb given"));
    }

    [Test]
    public void A_bad_tokenizer_or_template_is_one_line_and_exit_code_3()
    {
        string broken = _samples.Write("broken.json", "{\"model\": 5}");
        string[][] runs =
        [
            ["tokenize", "-t", broken + ".absent", "x"],
            ["tokenize", "-t", broken, "x"],
            ["tokenize", "-t", broken, "--jsonl"],
            ["detokenize", "-t", broken, "1"],
            ["template", "-t", broken + ".absent", "x"],
            ["template", "-t", broken, "x"],
            ["template", "-t", _samples.Write("broken.jinja", "a\n{% if %}"), "x"],
            ["template", "-t", _samples.Template, "--template-name", "rag", "x"],
        ];
        Assert.Multiple(() =>
        {
            foreach (string[] arguments in runs)
            {
                ProgramRun run = ProgramRun.Of(arguments);
                Assert.That((run.ExitCode, run.Output), Is.EqualTo((3, "")), string.Join(' ', arguments));
                Assert.That(run.Error, Does.StartWith("moesaic: ").And.Contain(arguments[2]), string.Join(' ', arguments));
                Assert.That(run.Error.Count(c => c == '\n'), Is.EqualTo(1), run.Error);
            }
        });
    }

    [Test]
    public void A_conversation_the_template_refuses_is_exit_code_4()
    {
        ProgramRun run = ProgramRun.Of("template", "-t", _samples.Write("refuse.jinja", "{{ raise_exception('No.') }}"), "x");
        Assert.That((run.ExitCode, run.Output), Is.EqualTo((4, "")));
        Assert.That(run.Error, Does.EndWith("TemplateError: No.\n"));
    }

    [Platform(Exclude = "Win", Reason = "signals are sent as on Unix")]
    [TestCase("tokenize", "{\"text\":\"river\"}", "{\"ids\":[0,2]}", "INT", 130)]
    [TestCase("detokenize", "{\"ids\":[2]}", "{\"text\":\"river\"}", "INT", 130)]
    [TestCase("tokenize", "{\"text\":\"river\"}", "{\"ids\":[0,2]}", "TERM", 143)]
    public void A_signal_ends_a_waiting_program_cleanly(string verb, string request, string answer, string signal, int code)
    {
        using RunningProgram program = RunningProgram.Start(verb, "--tokenizer", _samples.Tokenizer, "--jsonl");
        program.WriteInputLine(request);

        // Each answer is written at once, not when the input ends.
        program.AwaitOutput(answer + "\n");
        program.Signal(signal);
        ProgramRun run = program.End();
        Assert.That((run.ExitCode, run.Output, run.Error), Is.EqualTo((code, answer + "\n", "")));
    }
}
