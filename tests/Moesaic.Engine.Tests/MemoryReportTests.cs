using Moesaic.TestSupport;

namespace Moesaic.Engine.Tests;

/// <summary>A model that cannot fit is refused before anything is loaded.</summary>
public sealed class MemoryReportTests
{
    private string _root = string.Empty;

    [SetUp]
    public void CreateRoot() => _root = Directory.CreateTempSubdirectory("moesaic-memory").FullName;

    [TearDown]
    public void DeleteRoot() => Directory.Delete(_root, recursive: true);

    [Test]
    public void A_model_larger_than_memory_is_refused_with_what_it_needs_and_what_there_is()
    {
        EngineOptions options = new() { Memory = () => new MemoryReport(100 << 10, "a test") };
        string model = TestPaths.TestData("fixtures", "ling", "model.gguf");
        InsufficientMemoryException error = Assert.Throws<InsufficientMemoryException>(() => ModelRuntime.Load(model, options))!;
        Assert.That(error.Message, Does.Contain(model).And.Contain("needs at least").And.Contain("a test").And.Contain("positions"));
        using ModelRuntime runtime = ModelRuntime.Load(model, options with { Memory = () => null });
        Assert.That(runtime.SourceBytes, Is.GreaterThan(100 << 10));
    }

    [Test]
    public void The_cache_counts_too()
    {
        string model = TestPaths.TestData("fixtures", "ling", "model.gguf");
        EngineOptions options = new() { Memory = () => new MemoryReport(2 << 20, "a test"), MaxContext = 16 };
        using ModelRuntime runtime = ModelRuntime.Load(model, options);
        Assert.That(() => ModelRuntime.Load(model, options with { MaxContext = runtime.Description.ContextLength, Memory = () => new MemoryReport(runtime.SourceBytes + 1000, "a test") }), Throws.TypeOf<InsufficientMemoryException>());
    }

    [Test]
    public void The_smallest_limit_counts()
    {
        Assert.That(MemoryReport.Read(_root), Is.Null, "no Linux");
        Write("proc/meminfo", "MemTotal:  8000 kB\nMemAvailable:    4000 kB\nSwapFree:     1000 kB\n");
        Assert.That(MemoryReport.Read(_root)!.AvailableBytes, Is.EqualTo(5000 * 1024));
        Write("proc/self/cgroup", "0::/a/b\n");
        Write("sys/fs/cgroup/a/memory.max", "3000000\n");
        Write("sys/fs/cgroup/a/memory.current", "2500000\n");
        Write("sys/fs/cgroup/a/memory.stat", "anon 1\nfile 500000\n");
        Write("sys/fs/cgroup/a/b/memory.max", "max\n");
        Write("sys/fs/cgroup/a/b/memory.current", "5\n");
        Assert.That(MemoryReport.Read(_root)!.AvailableBytes, Is.EqualTo(1_000_000));
        Write("proc/self/cgroup", "4:cpu,memory:/x\n");
        Write("sys/fs/cgroup/memory/memory.limit_in_bytes", "700\n");
        Write("sys/fs/cgroup/memory/memory.usage_in_bytes", "900\n");
        Assert.That(MemoryReport.Read(_root)!.AvailableBytes, Is.Zero);
    }

    private void Write(string path, string text)
    {
        string file = Path.Combine(_root, path);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText(file, text);
    }
}
