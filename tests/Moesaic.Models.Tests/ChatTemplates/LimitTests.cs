using System.Text.Json;
using Moesaic.Models.ChatTemplates;

namespace Moesaic.Models.Tests.ChatTemplates;

/// <summary>An untrusted template ends with one clear error, whatever it tries.</summary>
public sealed class LimitTests
{
    private static readonly ChatTemplateLimits Small = new() { MaxSteps = 200_000, MaxOutputLength = 100_000, MaxListLength = 20_000 };

    [TestCase("{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}", TestName = "nested loops")]
    [TestCase("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", TestName = "a macro that calls itself")]
    [TestCase("{% macro a() %}{{ b() }}{% endmacro %}{% macro b() %}{{ a() }}{% endmacro %}{{ a() }}", TestName = "macros that call each other")]
    [TestCase("{% macro m() %}{{ caller() }}{% endmacro %}{% macro k() %}{% call m() %}{{ k() }}{% endcall %}{% endmacro %}{{ k() }}", TestName = "callers that call back")]
    [TestCase("{% set ns = namespace() %}{% set ns.l = [1] %}{% for x in ns.l recursive %}{{ loop(ns.l) }}{% endfor %}", TestName = "an endless recursive loop")]
    [TestCase("{{ 'x' * 1000000000 }}", TestName = "a long text by multiplication")]
    [TestCase("{{ 'x' * 10 ** 30 }}", TestName = "a text of absurd length")]
    [TestCase("{{ [1] * 1000000000 }}", TestName = "a long list by multiplication")]
    [TestCase("{{ 'a'.center(2000000000) }}", TestName = "a wide centre")]
    [TestCase("{{ 'a'.ljust(2000000000, '😀') }}", TestName = "a wide justification")]
    [TestCase("{{ 'a'.zfill(2000000000) }}", TestName = "wide zeros")]
    [TestCase("{{ '%2000000000d' % 1 }}", TestName = "a wide percent format")]
    [TestCase("{{ '%.2000000000f' % 1 }}", TestName = "a precise percent format")]
    [TestCase("{{ '{:2000000000}'.format(1) }}", TestName = "a wide brace format")]
    [TestCase("{{ '{:.2000000000f}'.format(1.0) }}", TestName = "a precise brace format")]
    [TestCase("{{ '\t'.expandtabs(2000000000) }}", TestName = "wide tabs")]
    [TestCase("{{ 'a\\nb' | indent(2000000000) }}", TestName = "a wide indent")]
    [TestCase("{{ [[1]] | tojson(indent=2000000000) }}", TestName = "a wide JSON indent")]
    [TestCase("{{ [1] | batch(1000000000, 0) | list }}", TestName = "a batch filled up")]
    [TestCase("{{ [1] | slice(1000000000) | list }}", TestName = "very many slices")]
    [TestCase("{{ range(100001) }}", TestName = "a long range")]
    [TestCase("{{ range(0, 10 ** 40, 10 ** 39) }}", TestName = "a range of absurd bounds")]
    [TestCase("{{ 10 ** 10000000000 }}", TestName = "a power of absurd size")]
    [TestCase("{{ 7 ** 1000000 }}", TestName = "a large power")]
    [TestCase("{% set ns = namespace(x=3) %}{% for i in range(100) %}{% set ns.x = ns.x * ns.x %}{% endfor %}", TestName = "repeated squaring")]
    [TestCase("{% set ns = namespace(s='xx') %}{% for i in range(100) %}{% set ns.s = ns.s + ns.s %}{% endfor %}", TestName = "repeated doubling of a text")]
    [TestCase("{% set ns = namespace(l=[1]) %}{% for i in range(100) %}{% set ns.l = ns.l + ns.l %}{% endfor %}", TestName = "repeated doubling of a list")]
    [TestCase("{% set ns = namespace(l=[1]) %}{% for i in range(100) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l }}", TestName = "a list of shared halves printed")]
    [TestCase("{% set ns = namespace(l=[1]) %}{% for i in range(100) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}{{ ns.l | tojson }}", TestName = "a list of shared halves as JSON")]
    [TestCase("{% set ns = namespace(l=[1], m=[1]) %}{% for i in range(100) %}{% set ns.l = [ns.l, ns.l] %}{% set ns.m = [ns.m, ns.m] %}{% endfor %}{{ ns.l == ns.m }}", TestName = "lists of shared halves compared")]
    [TestCase("{% set ns = namespace(l=(1,)) %}{% for i in range(100) %}{% set ns.l = (ns.l, ns.l) %}{% endfor %}{{ {ns.l: 1} }}", TestName = "a tuple of shared halves as a key")]
    [TestCase("{% set ns = namespace(l=[]) %}{% for i in range(5000) %}{% set ns.l = [ns.l] %}{% endfor %}{{ ns.l }}", TestName = "a deep list printed")]
    [TestCase("{% set ns = namespace(l=[]) %}{% for i in range(5000) %}{% set ns.l = [ns.l] %}{% endfor %}{{ ns.l | tojson }}", TestName = "a deep list as JSON")]
    [TestCase("{% set ns = namespace(l=[]) %}{% set ns.me = ns %}{{ ns }}", TestName = "a namespace that holds itself")]
    [TestCase("{{ ('x' * 90000).replace('x', 'y' * 90000) }}", TestName = "a text replaced by longer ones")]
    [TestCase("{{ ('x' * 90000).replace('', 'y' * 90000) }}", TestName = "a text inserted everywhere")]
    [TestCase("{{ ('x' * 90000) | join('y' * 90000) }}", TestName = "a join with a long separator")]
    [TestCase("{{ range(10000) | list | tojson(separators=('y' * 90000, ':')) }}", TestName = "JSON with a long separator")]
    [TestCase("{% for i in range(100000) %}{{ 'x' * 1000 }}{% endfor %}", TestName = "a long output")]
    [TestCase("{% set x %}{% for i in range(100000) %}{{ 'x' * 1000 }}{% endfor %}{% endset %}", TestName = "a long captured text")]
    public void Bounded(string template)
    {
        ChatTemplateException error = TemplateTesting.Fail(template, "{}", Small);
        Assert.That(error.Kind, Is.EqualTo(ChatTemplateErrorKind.Limit), error.Message);
        Assert.That(error.Line, Is.EqualTo(1));
    }

    [Test]
    public void Stacked_generators_do_not_overflow_the_stack()
    {
        const string Template = "{% set ns = namespace(g=[1]) %}{% for i in range(50000) %}{% set ns.g = ns.g | map('string') %}{% endfor %}{{ ns.g | list }}";
        Assert.That(TemplateTesting.Fail(Template).Kind, Is.EqualTo(ChatTemplateErrorKind.Limit));
    }

    [Test]
    public void Deep_nesting_of_the_source_is_a_syntax_error([Values("(", "[", "{'a':", "-", "not ", "x(", "x[", "1 if 1 else ")] string opening)
    {
        string source = "{{ " + string.Concat(Enumerable.Repeat(opening, 50_000));
        Assert.That(TemplateTesting.Fail(source).Kind, Is.EqualTo(ChatTemplateErrorKind.Syntax));
    }

    [Test]
    public void Long_chains_are_a_syntax_error([Values(" + 1", "|upper", ".x", " and 1", "[0]", " if 1", " is string")] string link)
    {
        string source = "{{ 1" + string.Concat(Enumerable.Repeat(link, 50_000)) + " }}";
        Assert.That(TemplateTesting.Fail(source).Kind, Is.EqualTo(ChatTemplateErrorKind.Syntax));
    }

    [Test]
    public void Nested_blocks_are_bounded()
    {
        string source = string.Concat(Enumerable.Repeat("{% if 1 %}", 50_000));
        Assert.That(TemplateTesting.Fail(source).Kind, Is.EqualTo(ChatTemplateErrorKind.Syntax));
    }

    [Test]
    public void The_deepest_allowed_calls_fit_a_small_stack()
    {
        // Each call evaluates a chain of operators, filters and nested blocks as deep as the parser lets it.
        string nested = string.Concat(Enumerable.Repeat("(", 30)) + "m()" + string.Concat(Enumerable.Repeat("~'')", 30));
        string source = "{% macro m() %}" + string.Concat(Enumerable.Repeat("{% if 1 %}", 20)) + "{{ " + nested + " }}"
            + string.Concat(Enumerable.Repeat("{% endif %}", 20)) + "{% endmacro %}{{ m() }}";
        ChatTemplateException? error = null;
        Thread thread = new(() => error = Assert.Throws<ChatTemplateException>(() => TemplateTesting.Render(source)), 512 * 1024);
        thread.Start();
        thread.Join();
        Assert.That(error!.Kind, Is.EqualTo(ChatTemplateErrorKind.Limit));
    }

    [Test]
    public void Messages_of_a_million_characters_pass_the_default_limits()
    {
        string text = new('x', 1_000_000);
        string json = JsonSerializer.Serialize(text);
        string rendered = TemplateTesting.Render(
            "{% for m in messages %}{{ '<' + m.role + '>' + m.content | trim + '\n' }}{% endfor %}",
            $$"""{"messages":[{"role":"user","content":{{json}}},{"role":"assistant","content":{{json}}}]}""");
        Assert.That(rendered, Has.Length.EqualTo(2_000_000 + "<user>\n<assistant>\n".Length));
    }
}
