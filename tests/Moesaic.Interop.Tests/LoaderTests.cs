using Moesaic.Bindings;

namespace Moesaic.Interop.Tests;

/// <summary>Finding the native library, and what is said when it cannot be used.</summary>
internal sealed class LoaderTests
{
    [Test]
    public void Library_is_the_one_beside_the_program_and_of_this_version()
    {
        Assert.That(Path.GetDirectoryName(LibraryInfo.Path), Is.EqualTo(AppContext.BaseDirectory.TrimEnd('/')));
        Assert.That(LibraryInfo.AbiVersion, Is.EqualTo(2));
        Assert.That(LibraryInfo.BuildInfo, Is.Not.Empty.And.Not.Contains("\0"));
    }

    [Test]
    public void Places_are_beside_the_program_then_the_explicit_path()
    {
        string[] places = [.. NativeLibraryLoader.Candidates("/program", "/elsewhere/library.so")];
        Assert.That(places, Has.Length.EqualTo(3));
        Assert.That(places[0], Is.EqualTo($"/program/{NativeLibraryLoader.FileName}"));
        Assert.That(places[1], Does.StartWith("/program/runtimes/").And.EndsWith($"/native/{NativeLibraryLoader.FileName}"));
        Assert.That(places[2], Is.EqualTo("/elsewhere/library.so"));
        Assert.That(NativeLibraryLoader.Candidates("/program", string.Empty).Count(), Is.EqualTo(2));
    }

    [Test]
    public void Missing_library_is_one_error_with_places_and_remedy()
    {
        NativeLibraryException? error = Assert.Throws<NativeLibraryException>(
            () => NativeLibraryLoader.Load(NativeLibraryLoader.Candidates("/nowhere", "/elsewhere/library.so")));
        Assert.That(error!.Message, Does.Contain($"/nowhere/{NativeLibraryLoader.FileName}")
            .And.Contain("/elsewhere/library.so")
            .And.Contain("./build.sh build")
            .And.Contain("MOESAIC_NATIVE_LIBRARY"));
    }

    [Test]
    public void File_that_is_no_library_is_refused_and_not_passed_over()
    {
        string file = Path.GetTempFileName();
        try
        {
            File.WriteAllText(file, "not a library");
            NativeLibraryException? error = Assert.Throws<NativeLibraryException>(
                () => NativeLibraryLoader.Load([file, LibraryInfo.Path]));
            Assert.That(error!.Message, Does.Contain(file).And.Contain("cannot be loaded"));
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Test]
    public void Other_abi_version_is_refused_with_both_versions()
    {
        Assert.DoesNotThrow(() => NativeLibraryLoader.CheckAbiVersion(NativeConstants.MscAbiVersion, "x.so"));
        NativeLibraryException? error = Assert.Throws<NativeLibraryException>(
            () => NativeLibraryLoader.CheckAbiVersion(NativeConstants.MscAbiVersion + 41, "x.so"));
        Assert.That(error!.Message, Does.Contain("x.so").And.Contain($"version {NativeConstants.MscAbiVersion + 41}").And.Contain($"needs {NativeConstants.MscAbiVersion}:"));
    }
}
