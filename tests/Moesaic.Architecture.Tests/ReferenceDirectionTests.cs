namespace Moesaic.Architecture.Tests;

/// <summary>References between projects point one way, as the table in src/README.md says.</summary>
internal sealed class ReferenceDirectionTests
{
    /// <summary>What each product project may refer to directly. A new project gets its line here.</summary>
    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["Moesaic.Bindings"] = [],
        ["Moesaic.Bindings.Generator"] = [],
        ["Moesaic.Native"] = [],
        ["Moesaic.Interop"] = ["Moesaic.Bindings"],
        ["Moesaic.Models"] = ["Moesaic.Interop"],
        ["Moesaic.Scheduling"] = [],
        ["Moesaic.Decoding"] = [],
        ["Moesaic.Distributed"] = ["Moesaic.Interop"],
        ["Moesaic.Engine"] = ["Moesaic.Interop", "Moesaic.Models", "Moesaic.Scheduling", "Moesaic.Decoding", "Moesaic.Distributed"],
        ["Moesaic.Server"] = ["Moesaic.Engine"],
        ["Moesaic.Cli"] = ["Moesaic.Engine", "Moesaic.Server"],
    };

    private static IEnumerable<string> ProductProjects() =>
        Repository.Files("src", "*.csproj").Where(p => !p.StartsWith("src/samples/", StringComparison.Ordinal))
            .Concat(Repository.Files("bindings", "*.csproj"));

    [TestCaseSource(nameof(ProductProjects))]
    public void Project_refers_only_to_what_lies_below(string project)
    {
        string name = Path.GetFileNameWithoutExtension(project);
        Assert.That(Allowed, Contains.Key(name), "a new project: say here what it may refer to");
        Assert.That(Repository.References(project).Except(Allowed[name]), Is.Empty);
    }

    [Test]
    public void Table_has_no_circle()
    {
        HashSet<string> settled = [];
        while (Allowed.Keys.Except(settled).FirstOrDefault(p => Allowed[p].All(settled.Contains)) is { } next)
        {
            settled.Add(next);
        }

        Assert.That(Allowed.Keys.Except(settled), Is.Empty);
    }

    [Test]
    public void Only_interop_names_the_bindings()
    {
        string[] offenders =
        [
            .. Repository.Files("src", "*.cs")
                .Where(f => !f.StartsWith("src/Moesaic.Interop/", StringComparison.Ordinal))
                .Where(f => Repository.Read(f).Contains("Moesaic.Bindings", StringComparison.Ordinal)),
        ];
        Assert.That(offenders, Is.Empty);
    }

    [Test]
    public void No_source_under_src_imports_native_code_itself()
    {
        string[] offenders =
        [
            .. Repository.Files("src", "*.cs")
                .Where(f => Repository.Read(f) is string text
                    && (text.Contains("[LibraryImport", StringComparison.Ordinal) || text.Contains("[DllImport", StringComparison.Ordinal))),
        ];
        Assert.That(offenders, Is.Empty);
    }

    /// <summary>Samples are built as their users would: from packages (scripts/sample.sh), so they are not part of the solution.</summary>
    [Test]
    public void Samples_refer_to_packages_only()
    {
        string[] samples = [.. Repository.Files("src/samples", "*.csproj")];
        Assert.That(samples, Is.Not.Empty);
        Assert.That(samples.SelectMany(Repository.References), Is.Empty);
    }

    [Test]
    public void Every_project_is_in_the_solution()
    {
        string solution = Repository.Read("Moesaic.slnx");
        string[] missing =
        [
            .. Repository.Files(string.Empty, "*.csproj").Where(p => !p.StartsWith("src/samples/", StringComparison.Ordinal) && !solution.Contains($"\"{p}\"", StringComparison.Ordinal)),
        ];
        Assert.That(missing, Is.Empty);
    }
}
