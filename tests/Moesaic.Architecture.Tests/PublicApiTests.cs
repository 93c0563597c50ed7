using System.Xml.Linq;

namespace Moesaic.Architecture.Tests;

/// <summary>The public API of packages is frozen, or a decision says that it is not; the check of the build is not switched off.</summary>
internal sealed class PublicApiTests
{
    private const string Decision = "src/decisions/frozen-api.md";

    private static readonly string[] s_projects =
        [.. Repository.Files("src", "*.csproj").Concat(Repository.Files("bindings", "*.csproj")).Where(static p => Value(p, "IsPackable") == "true")];

    [Test]
    public void Every_package_is_frozen_or_said_not_to_be()
    {
        Assert.That(s_projects, Does.Contain("src/Moesaic.Engine/Moesaic.Engine.csproj"));
        string notFrozen = Repository.Read(Decision).Split('\n').Single(static l => l.StartsWith("**Not frozen:**", StringComparison.Ordinal));
        foreach (string project in s_projects)
        {
            string folder = project[..project.LastIndexOf('/')];
            string name = Path.GetFileNameWithoutExtension(project);
            bool isFrozen = Repository.Files(folder, "PublicAPI.*.txt").Count == 2;
            bool hasCode = Value(project, "IncludeBuildOutput") != "false";
            Assert.That(isFrozen || !hasCode || notFrozen.Contains($"`{name}`", StringComparison.Ordinal), $"{name}: freeze it, or say in {Decision} that it is not");
            Assert.That(isFrozen && notFrozen.Contains($"`{name}`", StringComparison.Ordinal), Is.False, $"{name} is frozen; {Decision} says it is not");
        }
    }

    [Test]
    public void The_frozen_files_are_compared_by_the_build()
    {
        string props = Repository.Read("src/Directory.Build.props");
        Assert.That(props, Does.Contain("Microsoft.CodeAnalysis.PublicApiAnalyzers").And.Contain("PublicAPI.Unshipped.txt"));
        Assert.That(Repository.Read("Directory.Build.props"), Does.Contain("<TreatWarningsAsErrors>true</TreatWarningsAsErrors>"));

        // A symbol that the files lack, and one that they name in vain.
        foreach (string file in new[] { ".editorconfig", "Directory.Build.props", "src/Directory.Build.props" }.Concat(s_projects))
        {
            Assert.That(Repository.Read(file), Does.Not.Contain("RS0016").And.Not.Contain("RS0017"), file);
        }

        string api = Repository.Read("src/Moesaic.Engine/PublicAPI.Unshipped.txt");
        Assert.That(api, Does.StartWith("#nullable enable\n").And.Contain("Moesaic.Engine.InferenceEngine.Submit("));
    }

    private static string? Value(string project, string name) =>
        XDocument.Parse(Repository.Read(project)).Descendants(name).FirstOrDefault()?.Value;
}
