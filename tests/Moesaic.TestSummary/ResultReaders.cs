using System.Xml.Linq;

namespace Moesaic.TestSummary;

/// <summary>Reads the result files of the test runners.</summary>
internal static class ResultReaders
{
    /// <summary>Results in one file: Visual Studio test results (.trx) or GoogleTest's XML (.xml).</summary>
    public static IEnumerable<TestResult> Read(string path)
    {
        XDocument document = XDocument.Load(path);
        return document.Root?.Name.LocalName switch
        {
            "TestRun" => ReadTrx(path, document),
            "testsuites" => ReadGoogleTest(document),
            var other => throw new InvalidDataException($"{path}: root element '{other}' is neither TestRun nor testsuites."),
        };
    }

    private static IEnumerable<TestResult> ReadTrx(string path, XDocument document)
    {
        bool anyFailed = false;
        foreach (XElement result in document.Descendants().Where(e => e.Name.LocalName == "UnitTestResult"))
        {
            string name = (string?)result.Attribute("testName") ?? "?";
            string message = result.Descendants().FirstOrDefault(e => e.Name.LocalName == "Message")?.Value.Trim() ?? "";
            TestResult read = (string?)result.Attribute("outcome") switch
            {
                "Passed" => new(name, TestOutcome.Passed, ""),
                "NotExecuted" or "Inconclusive" or "Pending" => new(name, TestOutcome.Skipped, message),
                _ => new(name, TestOutcome.Failed, message),
            };
            anyFailed |= read.Outcome == TestOutcome.Failed;
            yield return read;
        }

        // What fails outside a test, such as the end of a fixture or the process, is told by the whole run's outcome alone.
        XElement? summary = document.Descendants().FirstOrDefault(e => e.Name.LocalName == "ResultSummary");
        string? outcome = (string?)summary?.Attribute("outcome");
        if (!anyFailed && outcome is not ("Completed" or "Passed"))
        {
            string said = string.Join(' ', summary?.Descendants().Where(e => e.Name.LocalName == "Text").Select(e => e.Value.Trim()) ?? []);
            yield return new($"the run of {Path.GetFileName(path)}", TestOutcome.Failed, $"outcome '{outcome}' outside its tests. {said}");
        }
    }

    private static IEnumerable<TestResult> ReadGoogleTest(XDocument document)
    {
        foreach (XElement test in document.Descendants("testcase"))
        {
            string name = $"{(string?)test.Attribute("classname")}.{(string?)test.Attribute("name")}";
            XElement? skipped = test.Element("skipped");
            if (test.Element("failure") is { } failure)
            {
                yield return new(name, TestOutcome.Failed, (string?)failure.Attribute("message") ?? failure.Value);
            }
            else if (skipped is not null || (string?)test.Attribute("status") == "notrun")
            {
                yield return new(name, TestOutcome.Skipped, LastLine((string?)skipped?.Attribute("message") ?? "disabled"));
            }
            else
            {
                yield return new(name, TestOutcome.Passed, "");
            }
        }
    }

    /// <summary>GoogleTest puts the source position before the reason, on a line of its own.</summary>
    private static string LastLine(string message)
    {
        string[] lines = message.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return lines.Length == 0 ? "" : lines[^1];
    }
}
