using Moesaic.Bindings.Generator;
using Moesaic.Bindings.Generator.Emit;
using Moesaic.Bindings.Generator.Model;
using Moesaic.TestSupport;

namespace Moesaic.Bindings.Tests;

/// <summary>The generator's whole output for a small header, word for word. After a wanted change, set
/// MOESAIC_WRITE_GOLDEN=1 once and review the diff.</summary>
internal sealed class GoldenTests
{
    private static readonly string Project = Path.Combine(TestPaths.RepositoryRoot, "tests", "Moesaic.Bindings.Tests");

    [Test]
    public void Output_for_the_sample_header_is_as_reviewed()
    {
        GeneratorOptions options = new("Sample.Bindings", "sample", "headers/sample", "sample");
        string include = Path.Combine(Project, "Headers");
        IReadOnlyList<HeaderModel> headers = BindingsGenerator.ReadHeaders(Path.Combine(include, "sample"), include);
        Dictionary<string, string> files = headers
            .SelectMany(h => CSharpEmitter.Emit(h, options))
            .ToDictionary(f => f.Path, f => f.Text);
        files["LayoutTable.g.cs"] = LayoutEmitter.ManagedTable(headers, options);
        Dictionary<string, string> native = new() { ["layout.g.c"] = LayoutEmitter.StaticAssertions(headers, options) };
        string golden = Path.Combine(Project, "Golden");
        OutputSet[] outputs = [new(golden, ".g.cs", files), new(golden, ".g.c", native)];
        if (Environment.GetEnvironmentVariable("MOESAIC_WRITE_GOLDEN") == "1")
        {
            Array.ForEach(outputs, o => o.Write());
        }

        Assert.That(outputs.SelectMany(o => o.Differences()), Is.Empty);
    }

    [Test]
    public void Checked_in_bindings_are_what_the_headers_give() =>
        Assert.That(BindingsGenerator.Generate(TestPaths.RepositoryRoot).SelectMany(o => o.Differences()), Is.Empty);
}
