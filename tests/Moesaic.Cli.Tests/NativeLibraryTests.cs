using Moesaic.TestSupport;

namespace Moesaic.Cli.Tests;

/// <summary>The program beside a native library that is absent or wrong: one clear message, never a crash.</summary>
[Platform("Linux", Reason = "ELF libraries")]
public sealed class NativeLibraryTests : IDisposable
{
    private const string Library = "libmoesaic.so";

    private readonly TemporaryFolder _folder = new();

    [OneTimeSetUp]
    public void CopyProgram()
    {
        foreach (string file in Directory.EnumerateFiles(RunningProgram.Folder).Where(f => Path.GetExtension(f) is ".dll" or ".json" or ""))
        {
            File.Copy(file, _folder.Combine(Path.GetFileName(file)));
        }

        Directory.CreateSymbolicLink(_folder.Combine("Embedded"), Path.Combine(RunningProgram.Folder, "Embedded"));
    }

    [SetUp]
    public void RemoveLibrary() => File.Delete(_folder.Combine(Library));

    public void Dispose() => _folder.Dispose();

    [Test]
    public void An_absent_library_is_named() => Check("was not found");

    [TestCase(0, "is no library")]
    [TestCase(40, "is no library")]
    [TestCase(4096, "is cut off")]
    [TestCase(-100_000, "is cut off")]
    [TestCase(-1, "is cut off")]
    public void A_library_that_is_cut_off_does_not_crash_the_program(int bytes, string named)
    {
        byte[] whole = File.ReadAllBytes(Path.Combine(RunningProgram.Folder, Library));
        File.WriteAllBytes(_folder.Combine(Library), whole[..(bytes < 0 ? whole.Length + bytes : bytes)]);
        Check(named);
    }

    [Test]
    public void A_file_that_is_no_library_is_refused()
    {
        File.WriteAllText(_folder.Combine(Library), new string('x', 5000));
        Check("cannot be loaded");
    }

    [Test]
    public void Another_library_of_that_name_is_refused()
    {
        File.Copy(Path.Combine(Path.GetDirectoryName(typeof(object).Assembly.Location)!, "libSystem.Native.so"), _folder.Combine(Library));
        Check("it has no ABI version");
    }

    [Test]
    public void A_library_of_another_version_is_refused()
    {
        File.WriteAllText(_folder.Combine("other.cc"), "extern \"C\" int msc_abi_version(unsigned* version) { *version = 77; return 0; }");
        using RunningProgram compiler = RunningProgram.StartFile(
            "/bin/bash", "-c", "PATH=/usr/bin:/bin c++ -shared -fPIC -o \"$0\" \"$1\"", _folder.Combine(Library), _folder.Combine("other.cc"));
        compiler.WriteInput("");
        ProgramRun compiled = compiler.End();
        Assert.That(compiled.ExitCode, Is.Zero, compiled.Error);
        Check("has ABI version 77, but this program needs");
    }

    private void Check(string named)
    {
        string[][] runs = [["doctor"], ["generate", "x"], ["score", "x"], ["chat"], ["bench"]];
        Assert.Multiple(() =>
        {
            foreach (string[] arguments in runs)
            {
                using RunningProgram program = RunningProgram.StartFile(_folder.Combine("moesaic"), arguments);
                program.WriteInput("");
                ProgramRun run = program.End();
                Assert.That(run.ExitCode, Is.EqualTo(4), arguments[0]);
                Assert.That(run.Error, Does.StartWith("moesaic: The ").And.Contain(Library).And.Contain(named), arguments[0]);
                Assert.That(run.Error.Count(c => c == '\n'), Is.EqualTo(1), run.Error);
            }
        });
    }
}
