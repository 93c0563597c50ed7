using System.Text.Json;
using Moesaic.TestSupport;

namespace Moesaic.Cli.Tests;

public sealed class TokenizeTests : IDisposable
{
    private readonly Samples _samples = new();

    public void Dispose() => _samples.Dispose();

    [Test]
    public void Text_as_an_argument_and_from_standard_input_gives_the_same_ids()
    {
        ProgramRun argument = ProgramRun.Of("tokenize", "--tokenizer", _samples.Tokenizer, "river größe 😀");
        ProgramRun input = ProgramRun.WithInput("river größe 😀\n", "tokenize", "-t", _samples.Tokenizer);
        Assert.That((argument.ExitCode, argument.Output, argument.Error), Is.EqualTo((0, "0 2 3 4\n", "")));
        Assert.That((input.ExitCode, input.Output), Is.EqualTo((0, "0 2 3 4\n")));
    }

    [Test]
    public void Special_tokens_can_be_left_out() =>
        Assert.That(ProgramRun.Of("tokenize", "-t", _samples.Tokenizer, "--no-special-tokens", "river").Output, Is.EqualTo("2\n"));

    [Test]
    public void Json_names_ids_and_tokens() =>
        Assert.That(ProgramRun.Of("tokenize", "-t", _samples.Tokenizer, "--json", "größe unknown").Output,
            Is.EqualTo("""{"ids":[0,3,1],"tokens":["<s>","größe","?"]}""" + "\n"));

    [Test]
    public void Ids_become_text_again()
    {
        ProgramRun argument = ProgramRun.Of("detokenize", "-t", _samples.Tokenizer, "2", "3,4");
        ProgramRun input = ProgramRun.WithInput("[2, 3]\n4\n", "detokenize", "-t", _samples.Tokenizer);
        ProgramRun json = ProgramRun.Of("detokenize", "-t", _samples.Tokenizer, "--skip-special-tokens", "--json", "0", "2");
        Assert.That((argument.ExitCode, argument.Output), Is.EqualTo((0, "river größe 😀\n")));
        Assert.That(input.Output, Is.EqualTo(argument.Output));
        Assert.That(json.Output, Is.EqualTo("""{"text":"river"}""" + "\n"));
    }

    [Test]
    public void Program_mode_answers_every_line_in_order_and_survives_bad_ones()
    {
        ProgramRun run = ProgramRun.WithInput(
            """
            {"text":"river","add_special_tokens":false}
            {"text":"river","add_special_tokens":true}
            {"text":"river"}

            nonsense
            {"text":7}
            ["river"]
            {"text":"\ud800"}
            {"text":"river","add_special_tokens":"yes"}
            {"text":"😀"}
            """,
            "tokenize", "--tokenizer", _samples.Tokenizer, "--jsonl");
        Assert.That((run.ExitCode, run.Error), Is.EqualTo((0, "")));
        Assert.That(run.Lines, Has.Length.EqualTo(9));
        Assert.That(run.Lines[..3], Is.EqualTo(new[] { """{"ids":[2]}""", """{"ids":[0,2]}""", """{"ids":[0,2]}""" }));
        Assert.That(run.Lines[3..8], Has.All.StartWith("""{"error":"""));
        Assert.That(run.Lines[8], Is.EqualTo("""{"ids":[0,4]}"""));
    }

    [Test]
    public void Program_mode_turns_ids_into_text()
    {
        ProgramRun run = ProgramRun.WithInput(
            """
            {"ids":[0,2]}
            {"ids":[0,2],"skip_special_tokens":true}
            {"ids":[99]}
            {"ids":[-1]}
            {"ids":[1.5]}
            {"ids":[]}
            """,
            "detokenize", "--tokenizer", _samples.Tokenizer, "--jsonl");
        Assert.That(run.ExitCode, Is.Zero);
        Assert.That(run.Lines[..2], Is.EqualTo(new[] { """{"text":"<s> river"}""", """{"text":"river"}""" }));
        Assert.That(run.Lines[2..5], Has.All.StartWith("""{"error":"""));
        Assert.That(run.Lines[5], Is.EqualTo("""{"text":""}"""));
    }

    [Test]
    public void Reference_encodings_pass_through_the_program([Values("byte_bpe_llama3", "wordpiece_bert", "sp_unigram_xlmr")] string name)
    {
        string folder = TestPaths.Shared("tokenizers", "small", name);
        List<JsonElement> cases = [.. File.ReadLines(Path.Combine(folder, "cases.jsonl")).Select(line => JsonDocument.Parse(line).RootElement)];
        string requests = string.Concat(cases.SelectMany(c => new[]
        {
            $$"""{"text":{{c.GetProperty("text").GetRawText()}},"add_special_tokens":false}""" + "\n",
            $$"""{"text":{{c.GetProperty("text").GetRawText()}},"add_special_tokens":true}""" + "\n",
        }));
        string tokenizer = Path.Combine(folder, "tokenizer.json");
        string[] answers = ProgramRun.WithInput(requests, "tokenize", "--tokenizer", tokenizer, "--jsonl").Lines;
        Assert.That(answers, Is.EqualTo(cases.SelectMany(c => new[]
        {
            $$"""{"ids":{{Compact(c.GetProperty("ids"))}}}""", $$"""{"ids":{{Compact(c.GetProperty("ids_special"))}}}""",
        })));
    }

    private static string Compact(JsonElement ids) => ids.GetRawText().Replace(" ", "", StringComparison.Ordinal);
}
