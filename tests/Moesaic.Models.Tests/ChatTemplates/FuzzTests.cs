using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Moesaic.Models.ChatTemplates;
using Moesaic.TestSupport;
using Moesaic.TestSupport.Fuzz;

namespace Moesaic.Models.Tests.ChatTemplates;

/// <summary>Mutated templates: they render or fail with a <see cref="ChatTemplateException"/>, and nothing else.</summary>
public sealed class FuzzTests
{
    private const int Mutants = 40_000;

    private static readonly string[] Words =
    [
        "{{", "}}", "{%", "%}", "{%-", "-%}", "{#", "#}", "for ", " in ", "if ", "else", "endif", "endfor", "set ", "endset", "macro ",
        "endmacro", "call ", "endcall", "filter ", "with ", "raw", "endraw", "recursive", "loop", "messages", "namespace(", "range(",
        "|tojson", "|map('", "|list", "|join(", ".split(", "[::-1]", " is ", " not ", " and ", "**", "//", "~", "'", "\"", "(", ")",
        "[", "]", "{", "}", "*", "%", ".format(", "9999999999", "0.5", "none", "\\u", "{:9}", "raise_exception('x')", "😀",
    ];

    [Test]
    public void Mutants_fail_only_in_the_one_way()
    {
        byte[][] seeds = [.. Seeds().Select(Encoding.UTF8.GetBytes)];
        Mutator mutator = new(20261122, Words);
        ChatTemplateLimits limits = new() { MaxSteps = 20_000, MaxOutputLength = 200_000, MaxListLength = 20_000, MaxCallDepth = 50 };
        ChatTemplateInputs inputs = TemplateTesting.Inputs(
            """
            {"messages":[{"role":"system","content":"S"},{"role":"user","content":"Hi 😀"},{"role":"assistant","content":null,"tool_calls":[{"id":"1","function":{"name":"f","arguments":{"a":1.5}}}]}],
             "tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{"a":{"type":"number"}}}}}],
             "add_generation_prompt":true,"bos_token":"<s>","eos_token":"</s>","l":[3,1,2],"d":{"b":1,"a":2},"s":"Hello World","n":42,"f":1.5}
            """);
        Stopwatch clock = Stopwatch.StartNew();
        int rendered = 0;
        for (int i = 0; i < Mutants; i++)
        {
            byte[] seed = seeds[mutator.Next(seeds.Length)];
            string source = Encoding.UTF8.GetString(mutator.Mutate(seed, seeds[mutator.Next(seeds.Length)], 64 * 1024));
            try
            {
                ChatTemplate.Compile(source).Render(inputs, limits);
                rendered++;
            }
            catch (ChatTemplateException)
            {
            }
            catch (Exception exception)
            {
                Assert.Fail($"mutant {i} let out {exception}\n{source}");
            }
        }

        TestContext.Out.WriteLine($"{Mutants} mutants, {rendered} rendered, {clock.Elapsed.TotalSeconds:F1} s");
        Assert.That(rendered, Is.InRange(Mutants / 100, Mutants * 99 / 100), "the mutants should be neither all broken nor all whole");
    }

    private static List<string> Seeds()
    {
        List<string> seeds = [];
        using JsonDocument cases = JsonDocument.Parse(File.ReadAllBytes(TestPaths.TestData("chat_templates", "language.json")));
        seeds.AddRange(cases.RootElement.GetProperty("cases").EnumerateArray().Select(c => c.GetProperty("template").GetString()!));
        if (TestPaths.HasShared)
        {
            seeds.AddRange(Directory.EnumerateFiles(TestPaths.Shared("chat_templates"), "*.jinja").Order().Select(File.ReadAllText));
        }

        return seeds;
    }
}
