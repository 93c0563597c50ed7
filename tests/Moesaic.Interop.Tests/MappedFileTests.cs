namespace Moesaic.Interop.Tests;

internal sealed unsafe class MappedFileTests
{
    private DirectoryInfo _folder = null!;

    [SetUp]
    public void CreateFolder() => _folder = Directory.CreateTempSubdirectory("moesaic-interop-");

    [TearDown]
    public void DeleteFolder() => _folder.Delete(recursive: true);

    [TestCase(1)]
    [TestCase(4096)]
    [TestCase(100_001)]
    public void Mapping_shows_the_files_bytes_before_and_after_release(int length)
    {
        byte[] content = Content(length);
        using MappedFile file = MappedFile.Open(Write("weights \u00e4\u4e2d.bin", content));
        Assert.That(file.Length, Is.EqualTo(length));
        Assert.That(Bytes(file).SequenceEqual(content), Is.True);
        file.Advise(0, length, FileAdvice.WillNeed);
        file.Release(0, length);
        Assert.That(Bytes(file).SequenceEqual(content), Is.True);
    }

    [Test]
    public void Missing_file_is_an_error_with_its_path()
    {
        string path = Path.Combine(_folder.FullName, "absent.bin");
        NativeException? error = Assert.Throws<NativeException>(() => MappedFile.Open(path));
        Assert.That(error!.Message, Does.Contain("absent.bin"));
    }

    [Test]
    public void Advice_outside_the_file_is_refused()
    {
        using MappedFile file = MappedFile.Open(Write("small.bin", Content(100)));
        Assert.Throws<NativeException>(() => file.Advise(50, 51, FileAdvice.WillNeed));
        Assert.Throws<NativeException>(() => file.Advise(0, 100, (FileAdvice)77));
        Assert.Throws<ArgumentOutOfRangeException>(() => file.Release(-1, 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => file.Release(0, -1));
    }

    [Test]
    public void Unmapped_file_cannot_be_used()
    {
        MappedFile file = MappedFile.Open(Write("small.bin", Content(100)));
        file.Dispose();
        file.Dispose();
        Assert.Throws<ObjectDisposedException>(() => _ = file.Pointer);
        Assert.Throws<ObjectDisposedException>(() => file.Release(0, 1));
    }

    private static ReadOnlySpan<byte> Bytes(MappedFile file) => new((void*)file.Pointer, (int)file.Length);

    private static byte[] Content(int length)
    {
        byte[] content = new byte[length];
        new Random(length).NextBytes(content);
        return content;
    }

    private string Write(string name, byte[] content)
    {
        string path = Path.Combine(_folder.FullName, name);
        File.WriteAllBytes(path, content);
        return path;
    }
}
