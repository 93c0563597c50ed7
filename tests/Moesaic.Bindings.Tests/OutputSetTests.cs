using Moesaic.Bindings.Generator;

namespace Moesaic.Bindings.Tests;

/// <summary>Checking and writing a folder of generated files.</summary>
internal sealed class OutputSetTests
{
    private DirectoryInfo _folder = null!;

    [SetUp]
    public void CreateFolder() => _folder = Directory.CreateTempSubdirectory("moesaic-bindings-");

    [TearDown]
    public void DeleteFolder() => _folder.Delete(recursive: true);

    [Test]
    public void Differences_name_missing_changed_and_stale_files()
    {
        Write("same.g.cs", "one\n");
        Write("changed.g.cs", "one\ntwo\n");
        Write("sub/stale.g.cs", "old\n");
        Write("hand.cs", "not generated\n");
        OutputSet output = Output(("same.g.cs", "one\n"), ("changed.g.cs", "one\n2\n"), ("sub/new.g.cs", "new\n"));

        Assert.That(output.Differences(), Is.EqualTo(
        [
            "changed.g.cs: line 2 is 'two', expected '2'",
            "sub/new.g.cs: missing",
            "sub/stale.g.cs: no longer generated",
        ]));
    }

    [Test]
    public void Writing_settles_every_difference_and_touches_nothing_else()
    {
        Write("changed.g.cs", "one\n");
        Write("stale.g.cs", "old\n");
        Write("hand.cs", "not generated\n");
        OutputSet output = Output(("changed.g.cs", "2\n"), ("sub/new.g.cs", "new\n"));

        Assert.That(output.Write(), Is.EqualTo(3));
        Assert.That(output.Differences(), Is.Empty);
        Assert.That(output.Write(), Is.Zero);
        Assert.That(File.ReadAllText(Path.Combine(_folder.FullName, "hand.cs")), Is.EqualTo("not generated\n"));
    }

    private OutputSet Output(params (string Path, string Text)[] files) =>
        new(_folder.FullName, ".g.cs", files.ToDictionary(f => f.Path, f => f.Text));

    private void Write(string path, string text)
    {
        string target = Path.Combine(_folder.FullName, path);
        Directory.CreateDirectory(Path.GetDirectoryName(target)!);
        File.WriteAllText(target, text);
    }
}
