using Moesaic.Models.ChatTemplates;

namespace Moesaic.Models.Tests.ChatTemplates;

/// <summary>What lies around the language: inputs, errors, threads, where templates are kept.</summary>
public sealed class EngineTests
{
    [Test]
    public void An_error_of_the_template_itself_carries_its_message()
    {
        ChatTemplateException error = TemplateTesting.Fail("a\n{{ raise_exception('Only user roles!') }}");
        Assert.Multiple(() =>
        {
            Assert.That(error.Kind, Is.EqualTo(ChatTemplateErrorKind.Raised));
            Assert.That(error.Detail, Is.EqualTo("Only user roles!"));
            Assert.That(error.ErrorName, Is.EqualTo("TemplateError"));
            Assert.That(error.Line, Is.EqualTo(2));
            Assert.That(error.TemplateName, Is.EqualTo("test"));
            Assert.That(error.Message, Is.EqualTo("chat template test, line 2: TemplateError: Only user roles!"));
        });
    }

    [TestCase("a\n\n{% if %}", 3)]
    [TestCase("a\n{# b\n c #}\n{{ 1 +\n }}", 5)]
    [TestCase("{{ 'a\nb' }}\n{{ @ }}", 3)]
    public void A_syntax_error_names_its_line(string template, int line)
    {
        ChatTemplateException error = TemplateTesting.Fail(template);
        Assert.That((error.Kind, error.Line), Is.EqualTo((ChatTemplateErrorKind.Syntax, line)));
    }

    [TestCase("a\n{% for x in [1] %}\n{{ x.y.z }}\n{% endfor %}", 3)]
    [TestCase("{% macro m() %}\n{{ 1 + 'a' }}\n{% endmacro %}\n\n{{ m() }}", 2)]
    public void A_runtime_error_names_its_line(string template, int line)
    {
        ChatTemplateException error = TemplateTesting.Fail(template);
        Assert.That((error.Kind, error.Line), Is.EqualTo((ChatTemplateErrorKind.Runtime, line)));
    }

    [Test]
    public void Numbers_keep_the_form_they_have_in_JSON()
    {
        const string Numbers = """{"x":[1, 1.0, -0.0, 1e5, 1E400, 123456789012345678901234567890, 0.1, 1e-7]}""";
        Assert.That(TemplateTesting.Render("{{ x | tojson }}", Numbers),
            Is.EqualTo("[1, 1.0, -0.0, 100000.0, Infinity, 123456789012345678901234567890, 0.1, 1e-07]"));
    }

    [Test]
    public void Strings_are_counted_in_code_points() =>
        Assert.That(TemplateTesting.Render("{{ x|length }}{{ x[1] }}{{ x[::-1] }}{{ x|reverse }}{{ x|list }}", """{"x":"a😀b"}"""),
            Is.EqualTo("3😀b😀ab😀a['a', '😀', 'b']"));

    [Test]
    public void Half_a_surrogate_pair_is_refused() =>
        Assert.That(() => TemplateTesting.Inputs("""{"x":"\ud800"}"""), Throws.TypeOf<FormatException>());

    [Test]
    public void Special_tokens_and_flags_are_defined_only_when_given()
    {
        const string Template = "{{ bos_token is defined }}{{ eos_token is defined }}{{ enable_thinking is defined }}{{ tools is none }}{{ documents is none }}{{ add_generation_prompt }}";
        string bare = ChatTemplate.Compile(Template).Render(new ChatTemplateInputs());
        string full = ChatTemplate.Compile(Template).Render(new ChatTemplateInputs { BosToken = "<s>", EnableThinking = false, AddGenerationPrompt = true });
        Assert.That((bare, full), Is.EqualTo(("FalseFalseFalseTrueTrueFalse", "TrueFalseTrueTrueTrueTrue")));
    }

    [Test]
    public void Further_members_of_the_inputs_become_variables()
    {
        ChatTemplateInputs inputs = TemplateTesting.Inputs("""{"messages":[],"reasoning_effort":"high","now":"2024-07-26T08:09:10Z","pad_token":"<p>"}""");
        Assert.That(ChatTemplate.Compile("{{ reasoning_effort }} {{ strftime_now('%d %b %Y %H:%M') }} {{ pad_token }}{{ now is defined }}").Render(inputs),
            Is.EqualTo("high 26 Jul 2024 08:09 <p>False"));
    }

    [TestCase("""{"messages":{}}""", "messages")]
    [TestCase("""{}""", "messages")]
    [TestCase("""{"messages":[],"add_generation_prompt":"yes"}""", "add_generation_prompt")]
    [TestCase("""{"messages":[],"bos_token":1}""", "bos_token")]
    [TestCase("""{"messages":[],"now":"yesterday"}""", "now")]
    public void Inputs_of_a_wrong_type_are_named(string json, string member)
    {
        using System.Text.Json.JsonDocument document = System.Text.Json.JsonDocument.Parse(json);
        Assert.That(() => ChatTemplateInputs.FromJson(document.RootElement, TemplateTesting.Noon),
            Throws.TypeOf<FormatException>().With.Message.Contains(member));
    }

    [Test]
    public void Content_in_parts_is_joined_for_a_template_that_only_takes_strings()
    {
        const string Parts = """{"messages":[{"role":"user","content":[{"type":"text","text":"a "},{"type":"text","text":"b"}]}]}""";
        Assert.Multiple(() =>
        {
            Assert.That(TemplateTesting.Render("{{ '<' + messages[0].content + '>' }}", Parts), Is.EqualTo("<a b>"));
            Assert.That(TemplateTesting.Render("{% for p in messages[0].content %}[{{ p.text }}]{% endfor %}", Parts), Is.EqualTo("[a ][b]"));
        });
    }

    [Test]
    public void A_part_that_is_not_text_is_never_dropped()
    {
        const string Parts = """{"messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"image"}]}]}""";
        Assert.That(TemplateTesting.Fail("{{ '<' + messages[0].content }}", Parts).Detail, Is.EqualTo("can only concatenate str (not \"list\") to str"));
    }

    [Test]
    public void Methods_that_change_their_object_are_hidden_as_in_the_sandbox()
    {
        ChatTemplateException error = TemplateTesting.Fail("{% set x = [] %}{% set _ = x.append(1) %}");
        Assert.That((error.ErrorName, error.Detail), Is.EqualTo(("SecurityError", "access to attribute 'append' of 'list' object is unsafe.")));
    }

    [TestCase("{{ 'a' | urlize }}", "the filter 'urlize'")]
    [TestCase("{{ lipsum() }}", "the function 'lipsum'")]
    [TestCase("{{ [1] | random }}", "the filter 'random'")]
    [TestCase("{{ 'a'.encode() }}", "the method str.encode")]
    [TestCase("{% include 'x' %}", "the tag 'include'")]
    [TestCase("{{ '\\N{DASH}' }}", "\\N")]
    [TestCase("{{ [1] | map('string') }}", "generator")]
    [TestCase("{{ 'a'.upper }}", "no text")]
    public void What_is_not_supported_is_refused_by_name(string template, string named) =>
        Assert.That(TemplateTesting.Fail(template).Detail, Does.Contain(named));

    [Test]
    public void One_template_renders_on_many_threads()
    {
        ChatTemplate template = ChatTemplate.Compile(
            "{% set ns = namespace(n=0) %}{% for m in messages %}{% set ns.n = ns.n + m.content|length %}{{ m.content[::-1] }}{% endfor %}{{ ns.n }}");
        ChatTemplateInputs inputs = TemplateTesting.Inputs("""{"messages":[{"role":"user","content":"a😀b"},{"role":"user","content":"cd"}]}""");
        string[] texts = new string[64];
        Parallel.For(0, texts.Length, i => texts[i] = template.Render(inputs));
        Assert.That(texts, Is.All.EqualTo("b😀adc5"));
    }

    [Test]
    public void Templates_are_found_where_a_checkpoint_keeps_them()
    {
        const string Config = """{"chat_template":[{"name":"default","template":"D"},{"name":"tool_use","template":"T"}]}""";
        Assert.Multiple(() =>
        {
            Assert.That(ChatTemplateSource.Find(), Is.Null);
            Assert.That(ChatTemplateSource.Find(tokenizerConfig: "{}"), Is.Null);
            Assert.That(ChatTemplateSource.Find(tokenizerConfig: """{"chat_template":"A"}""")!.Pick(hasTools: true), Is.EqualTo("A"));
            Assert.That(ChatTemplateSource.Find(jinja: "J", tokenizerConfig: Config)!.Pick(), Is.EqualTo("J"));
            Assert.That(ChatTemplateSource.Find(templateJson: """{"chat_template":"P"}""", tokenizerConfig: Config)!.Pick(), Is.EqualTo("P"));
            Assert.That(ChatTemplateSource.Find(tokenizerConfig: Config)!.Pick(), Is.EqualTo("D"));
            Assert.That(ChatTemplateSource.Find(tokenizerConfig: Config)!.Pick(hasTools: true), Is.EqualTo("T"));
            Assert.That(() => ChatTemplateSource.Find(tokenizerConfig: Config)!.Pick(name: "rag"),
                Throws.TypeOf<FormatException>().With.Message.Contains("default, tool_use"));
            Assert.That(() => ChatTemplateSource.Find(tokenizerConfig: """{"chat_template":5}"""), Throws.TypeOf<FormatException>());
            Assert.That(() => ChatTemplateSource.Find(tokenizerConfig: "{"), Throws.TypeOf<FormatException>());
        });
    }
}
