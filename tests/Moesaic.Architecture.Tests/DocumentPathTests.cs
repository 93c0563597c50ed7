using System.Text.RegularExpressions;

namespace Moesaic.Architecture.Tests;

/// <summary>Every path of the repository that a document names exists.</summary>
internal sealed partial class DocumentPathTests
{
    /// <summary>Where a name in backticks must start to be taken for a path of the repository.</summary>
    private static readonly string[] Roots = ["native/", "bindings/", "src/", "tests/", "cmake/", "scripts/", ".ci/"];

    private static IEnumerable<string> Documents() => Repository.Files(string.Empty, "*.md");

    [TestCaseSource(nameof(Documents))]
    public void Paths_in_the_document_exist(string document)
    {
        string text = CodeBlock().Replace(Repository.Read(document), string.Empty);
        string folder = Path.GetDirectoryName(Path.Combine(Repository.Root, document))!;
        string[] missing =
        [
            .. Links(text).Where(link => !Exists(folder, link)),
            .. Names(text).Where(name => !Exists(Repository.Root, name)),
        ];
        Assert.That(missing, Is.Empty, $"{document} names paths that do not exist");
    }

    [TestCase("README.md")]
    [TestCase("src/README.md")]
    [TestCase("native/README.md")]
    [TestCase("bindings/README.md")]
    [TestCase("tests/README.md")]
    public void The_area_has_its_document(string document) => Assert.That(Documents(), Contains.Item(document));

    [Test]
    public void Paths_are_told_from_other_names()
    {
        const string text =
            """
            See `src/A.cs`, `./build.sh test`, `native/include/*.h`, `out/x`, `a/b`, `src/x y`, [here](../b.md#part), [web](https://x.org/y).
            """;
        Assert.That(Names(text), Is.EqualTo(new[] { "src/A.cs", "native/include/*.h", "build.sh" }));
        Assert.That(Links(text), Is.EqualTo(new[] { "../b.md" }));
    }

    [Test]
    public void Patterns_must_match_something()
    {
        Assert.That(Exists(Repository.Root, "native/include/moesaic/*.h"), Is.True);
        Assert.That(Exists(Repository.Root, "tests/Moesaic.*.Tests"), Is.True);
        Assert.That(Exists(Repository.Root, "native/include/moesaic/*.nothing"), Is.False);
        Assert.That(Exists(Repository.Root, "src/Nothing"), Is.False);
    }

    private static IEnumerable<string> Links(string text) =>
        Link().Matches(text).Select(m => m.Groups[1].Value)
            .Where(target => !target.Contains("://", StringComparison.Ordinal) && !target.StartsWith('#') && !target.StartsWith("mailto:", StringComparison.Ordinal))
            .Select(target => target.Split('#')[0]);

    private static IEnumerable<string> Names(string text)
    {
        string[] spans = [.. Span().Matches(text).Select(m => m.Groups[1].Value)];
        return spans.Where(s => PathLike().IsMatch(s) && Roots.Any(root => s.StartsWith(root, StringComparison.Ordinal)))
            .Concat(spans.Where(s => s.StartsWith("./", StringComparison.Ordinal)).Select(s => s[2..].Split(' ')[0])
                .Where(s => s.Length > 0 && !s.StartsWith("out/", StringComparison.Ordinal)));
    }

    /// <summary>Whether a file or folder of this name exists; `*` stands for any part of a name within one folder.</summary>
    private static bool Exists(string folder, string path)
    {
        IEnumerable<string> current = [folder];
        foreach (string part in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            current = part.Contains('*', StringComparison.Ordinal)
                ? [.. current.Where(Directory.Exists).SelectMany(f => Directory.EnumerateFileSystemEntries(f, part))]
                : [.. current.Select(f => Path.GetFullPath(Path.Combine(f, part))).Where(Path.Exists)];
        }

        return current.Any();
    }

    [GeneratedRegex(@"\]\(([^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex("`([^`\n]+)`")]
    private static partial Regex Span();

    [GeneratedRegex(@"^[\w.*/-]+$")]
    private static partial Regex PathLike();

    [GeneratedRegex("^```.*?^```", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex CodeBlock();
}
