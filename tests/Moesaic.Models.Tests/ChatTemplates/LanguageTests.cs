using System.Text.Json;
using Moesaic.Models.ChatTemplates;
using Moesaic.TestSupport;

namespace Moesaic.Models.Tests.ChatTemplates;

/// <summary>Every feature of the language against Jinja2's own answers; see tests/testdata/chat_templates/README.md.</summary>
public sealed class LanguageTests
{
    private static readonly JsonElement Reference = Load();

    private static IEnumerable<string> Groups() =>
        Reference.GetProperty("cases").EnumerateArray().Select(c => c.GetProperty("group").GetString()!).Distinct();

    [TestCaseSource(nameof(Groups))]
    public void Renders_as_Jinja2_does(string group)
    {
        List<string> failures = [];
        int count = 0;
        foreach (JsonElement test in Reference.GetProperty("cases").EnumerateArray())
        {
            if (test.GetProperty("group").GetString() == group)
            {
                count++;
                if (Check(test) is { } failure)
                {
                    failures.Add(failure);
                }
            }
        }

        Assert.That(count, Is.GreaterThan(0));
        Assert.That(failures, Is.Empty, string.Join("\n", failures));
    }

    private static string? Check(JsonElement test)
    {
        string template = test.GetProperty("template").GetString()!;
        JsonElement variables = test.TryGetProperty("variables", out JsonElement own) ? own : Reference.GetProperty("variables");
        string? expected = test.TryGetProperty("text", out JsonElement text) ? text.GetString() : null;
        string? expectedError = test.TryGetProperty("errorHere", out JsonElement here) ? here.GetString()
            : test.TryGetProperty("error", out JsonElement error) ? error.GetString() : null;
        try
        {
            string actual = ChatTemplate.Compile(template).Render(TemplateTesting.Inputs(variables));
            return actual == expected ? null : $"{template}\n  expected {expected ?? expectedError}\n  actual   {actual}";
        }
        catch (ChatTemplateException exception)
        {
            return exception.ErrorName == expectedError ? null : $"{template}\n  expected {expected ?? expectedError}\n  actual   {exception.Message}";
        }
    }

    private static JsonElement Load()
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(TestPaths.TestData("chat_templates", "language.json")));
        return document.RootElement.Clone();
    }
}
