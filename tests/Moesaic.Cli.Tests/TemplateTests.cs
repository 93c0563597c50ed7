using System.Text.Json;
using System.Text.Json.Nodes;
using Moesaic.TestSupport;

namespace Moesaic.Cli.Tests;

public sealed class TemplateTests : IDisposable
{
    private readonly Samples _samples = new();

    public void Dispose() => _samples.Dispose();

    [Test]
    public void A_prompt_becomes_what_the_model_reads()
    {
        string template = _samples.Write("plain.jinja", "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}");
        ProgramRun argument = ProgramRun.Of("template", "--template", template, "--system", "Be brief.", "Größe 😀?");
        ProgramRun input = ProgramRun.WithInput("Hi", "template", "-t", template, "--no-generation-prompt", "--json");
        Assert.That((argument.ExitCode, argument.Output, argument.Error), Is.EqualTo((0, "<system>Be brief.<user>Größe 😀?<assistant>", "")));
        Assert.That(input.Output, Is.EqualTo("""{"text":"<user>Hi"}""" + "\n"));
    }

    [Test]
    public void Program_mode_answers_with_text_or_error()
    {
        ProgramRun run = ProgramRun.WithInput(
            """
            {"messages":[{"role":"user","content":"a\"ä"}],"tools":[{"f":1.0}],"add_generation_prompt":true,"bos_token":"<s>","now":"2024-07-26T10:00:00Z"}
            {"messages":[{"role":"forbidden","content":"x"}]}
            {"messages":[{"role":"user","content":null}]}
            {"messages":5}
            {
            {"messages":[],"now":"2024-02-29"}
            """,
            "template", "--template", _samples.Template, "--jsonl");
        string[] texts = [.. run.Lines.Select(line => Member(line, "text") ?? "")];
        string[] errors = [.. run.Lines.Select(line => Member(line, "error") ?? "")];
        Assert.That((run.ExitCode, run.Error, run.Lines.Length), Is.EqualTo((0, "", 6)));
        Assert.That(texts[0], Is.EqualTo("<s>2024-07-26\n<user>a\"ä\n[{\"f\": 1.0}]<assistant>"));
        Assert.That(errors[1], Is.EqualTo("TemplateError: Role forbidden is not known"));
        Assert.That(errors[2], Does.StartWith("TypeError: can only concatenate str (not \"NoneType\") to str").And.Contain("line 4"));
        Assert.That(errors[3], Does.Contain("'messages'"));
        Assert.That(errors[4], Does.Contain("not JSON"));
        Assert.That(texts[5], Is.EqualTo("2024-02-29\n"));
    }

    [Test]
    public void A_folder_brings_its_template_and_special_tokens()
    {
        using TemporaryFolder folder = new();
        File.WriteAllText(
            folder.Combine("tokenizer_config.json"),
            """{"bos_token":{"content":"<b>"},"eos_token":"<e>","chat_template":[{"name":"default","template":"D{{ bos_token }}{{ eos_token }}"},{"name":"tool_use","template":"T"}]}""");
        Assert.That(ProgramRun.Of("template", "-t", folder.Path, "x").Output, Is.EqualTo("D<b><e>"));
        Assert.That(ProgramRun.Of("template", "-t", folder.Path, "--template-name", "tool_use", "x").Output, Is.EqualTo("T"));
        string input = _samples.Write("input.json", """{"messages":[],"tools":[{}]}""");
        Assert.That(ProgramRun.Of("template", "-t", folder.Combine("tokenizer_config.json"), "--input", input).Output, Is.EqualTo("T"));
    }

    [Test]
    public void A_template_past_its_bounds_is_a_bad_model_and_a_refusal_is_not()
    {
        string endless = _samples.Write("endless.jinja", "{% for i in range(99999999) %}{% for j in range(99999999) %}x{% endfor %}{% endfor %}");
        Assert.That(ProgramRun.Of("template", "-t", endless, "x").ExitCode, Is.EqualTo(3));
        string refusing = _samples.Write("refusing.jinja", "{{ raise_exception('no') }}");
        Assert.That(ProgramRun.Of("template", "-t", refusing, "x").ExitCode, Is.EqualTo(4));
    }

    [Test]
    public void A_configuration_with_a_token_of_a_wrong_type_is_refused_by_name()
    {
        using TemporaryFolder folder = new();
        File.WriteAllText(folder.Combine("tokenizer_config.json"), """{"bos_token":7,"chat_template":"x"}""");
        ProgramRun run = ProgramRun.Of("template", "-t", folder.Path, "x");
        Assert.That((run.ExitCode, run.Error), Is.EqualTo((3, run.Error)));
        Assert.That(run.Error, Does.Contain("bos_token"));
    }

    private static IEnumerable<string> Templates() => TestPaths.HasShared
        ? Directory.EnumerateFiles(TestPaths.Shared("chat_templates"), "*.jinja").Select(f => Path.GetFileNameWithoutExtension(f)).Order()
        : [""];

    [TestCaseSource(nameof(Templates))]
    public void Reference_renderings_pass_through_the_program(string name)
    {
        string folder = TestPaths.Shared("chat_templates");
        JsonObject conversations = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "conversations.json")))!.AsObject();
        JsonObject expected = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, name + ".json")))!.AsObject();
        string requests = string.Concat(conversations.Select(conversation =>
        {
            JsonObject request = conversation.Value!.DeepClone().AsObject();
            (request["bos_token"], request["eos_token"], request["unk_token"], request["pad_token"]) = ("<s>", "</s>", "<unk>", "<pad>");
            request["now"] = "2026-11-22T12:00:00";
            return request.ToJsonString() + "\n";
        }));
        string[] answers = ProgramRun.WithInput(requests, "template", "--template", Path.Combine(folder, name + ".jinja"), "--jsonl").Lines;
        Assert.That(answers, Has.Length.EqualTo(conversations.Count));
        Assert.Multiple(() =>
        {
            foreach ((string conversation, string answer) in conversations.Select(c => c.Key).Zip(answers))
            {
                JsonNode reference = expected[conversation]!;
                if (reference["text"] is { } text)
                {
                    Assert.That(Member(answer, "text"), Is.EqualTo(text.GetValue<string>()), conversation);
                }
                else if (reference["error"]!.GetValue<string>() is var error && error.StartsWith("TemplateError", StringComparison.Ordinal))
                {
                    Assert.That(Member(answer, "error"), Is.EqualTo(error), conversation);
                }
            }
        });
    }

    private static string? Member(string line, string name)
    {
        using JsonDocument document = JsonDocument.Parse(line);
        return document.RootElement.TryGetProperty(name, out JsonElement value) ? value.GetString() : null;
    }
}
