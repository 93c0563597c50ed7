namespace Moesaic.Cli.Tests;

/// <summary>Text that is not UTF-8 is refused by name, wherever it comes from; nothing is replaced in silence.</summary>
public sealed class InputTests : IDisposable
{
    private readonly Samples _samples = new();

    public void Dispose() => _samples.Dispose();

    [TestCase("generate", "--prompt-file")]
    [TestCase("score", "--file")]
    public void A_file_that_is_not_utf8_is_refused(string verb, string option)
    {
        string path = _samples.Write("latin1.txt", "");
        File.WriteAllBytes(path, [.. "gr"u8, 0xF6, .. "\u00dfe"u8]);
        ProgramRun run = ProgramRun.Of(verb, option, path);
        Assert.That((run.ExitCode, run.Output), Is.EqualTo((2, "")));
        Assert.That(run.Error, Does.Contain("not UTF-8: byte 0xf6 at offset 2"));
    }

    [TestCase("generate")]
    [TestCase("score")]
    [TestCase("tokenize")]
    [TestCase("template")]
    public void Standard_input_that_is_not_utf8_is_refused(string verb)
    {
        ProgramRun run = ProgramRun.WithInput([.. "gr"u8, 0xC3, .. "e"u8], verb);
        Assert.That((run.ExitCode, run.Output), Is.EqualTo((2, "")));
        Assert.That(run.Error, Does.Contain("standard input is not UTF-8: byte 0xc3 at offset 2"));
    }

    [Test]
    public void A_byte_order_mark_is_no_part_of_the_text()
    {
        ProgramRun run = ProgramRun.WithInput("\ufeffriver", "tokenize", "-t", _samples.Tokenizer);
        Assert.That((run.ExitCode, run.Output), Is.EqualTo((0, "0 2\n")), run.Error);
    }

    [Test]
    public void A_bad_line_is_an_error_of_that_line()
    {
        byte[] input = [.. "{\"text\":\"river\"}\r\n{\"text\":\""u8, 0xFF, .. "\"}\n{\"text\":\"größe\"}"u8];
        ProgramRun run = ProgramRun.WithInput(input, "tokenize", "-t", _samples.Tokenizer, "--jsonl");
        Assert.That(run.ExitCode, Is.Zero, run.Error);
        Assert.That(run.Lines, Is.EqualTo(new[]
        {
            "{\"ids\":[0,2]}", "{\"error\":\"the line is not UTF-8: byte 0xff at offset 9; convert it first\"}", "{\"ids\":[0,3]}",
        }));
    }

    [Test]
    public void A_line_longer_than_the_buffer_is_one_line()
    {
        string text = string.Concat(Enumerable.Repeat("river größe ", 20000));
        ProgramRun run = ProgramRun.WithInput($"{{\"text\":\"{text}\"}}\n{{\"text\":\"river\"}}\n", "tokenize", "-t", _samples.Tokenizer, "--jsonl");
        Assert.That(run.Lines, Is.EqualTo(new[] { $"{{\"ids\":[0,{string.Join(',', Enumerable.Repeat("2,3", 20000))}]}}", "{\"ids\":[0,2]}" }));
    }

    [Test]
    public void Chat_goes_on_after_a_bad_line()
    {
        ProgramRun run = ProgramRun.WithInput([0xE9, (byte)'\n', .. "define river\n"u8], "chat");
        Assert.That((run.ExitCode, run.Lines.Length), Is.EqualTo((2, 1)), run.Error);
        Assert.That(run.Error, Does.Contain("the line is not UTF-8"));
    }
}
