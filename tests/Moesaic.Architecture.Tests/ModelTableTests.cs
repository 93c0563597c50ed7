using System.Text.RegularExpressions;

namespace Moesaic.Architecture.Tests;

/// <summary>The tables of families and formats in <c>src/models.md</c> are backed by tests that exist, and name every family.</summary>
internal sealed partial class ModelTableTests
{
    private const string Page = "src/models.md";

    private static IEnumerable<string[]> Rows() =>
        Repository.Read(Page).Split('\n')
            .Where(line => line.StartsWith('|') && !line.StartsWith("|---", StringComparison.Ordinal))
            .Select(line => line.Trim('|', '\r', ' ').Split('|', StringSplitOptions.TrimEntries));

    [Test]
    public void Every_test_that_the_tables_name_exists()
    {
        HashSet<string> known = [.. Sources().SelectMany(s => Declared().Matches(s)).Select(m => m.Groups[1].Success ? m.Groups[1].Value : m.Groups[2].Value)];
        string[] named = [.. Rows().SelectMany(row => row).SelectMany(cell => TestName().Matches(cell)).Select(m => m.Groups[1].Value).Distinct()];
        Assert.That(named, Has.Length.GreaterThan(15), "the page names its tests in backticks, their names end with Tests or have underscores");
        Assert.That(named.Where(name => !known.Contains(name)), Is.Empty, $"{Page} names tests that do not exist");
    }

    [Test]
    public void Every_family_is_in_the_tables()
    {
        string text = Repository.Read(Page);
        string[] families = [.. Repository.Files("src/Moesaic.Models/Families", "*.cs").Where(f => Family().IsMatch(Repository.Read(f))).Select(f => Path.GetFileName(f))];
        Assert.That(families, Is.Not.Empty);
        Assert.That(families.Where(f => !text.Contains($"/{f}`", StringComparison.Ordinal)), Is.Empty, $"{Page} leaves families out");
    }

    [Test]
    public void No_cell_is_empty() => Assert.That(Rows().Where(row => row.Any(cell => cell.Length == 0)).Select(row => row[0]), Is.Empty, "a cell is a test, or says what is absent");

    private static IEnumerable<string> Sources() =>
        Repository.Files("tests", "*.cs").Concat(Repository.Files("native/tests", "*.cc")).Select(Repository.Read);

    [GeneratedRegex(@"(?:\bclass\s+|\bvoid\s+|\bTask\s+)(\w+)|\bTEST(?:_F|_P)?\(\s*\w+,\s*(\w+)\s*\)")]
    private static partial Regex Declared();

    [GeneratedRegex(@"`(\w+Tests|\w+_\w+_\w+)`")]
    private static partial Regex TestName();

    [GeneratedRegex(@"\bsealed\s+class\s+\w+[^{]*\bIModelFamily\b")]
    private static partial Regex Family();
}
