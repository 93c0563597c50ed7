using System.Globalization;
using Moesaic.TestSupport;

namespace Moesaic.Cli.Tests;

/// <summary>Peak resident memory of the program: the file x 1.15 + 150 MB + the cache, for types that run as they are.</summary>
public sealed class MemoryTests
{
    private const double OfFile = 1.15;
    private const long Own = 150_000_000;

    [Test]
    public void Scoring_a_real_model_stays_within_its_memory()
    {
        string model = TestPaths.Shared("models", "SmolLM2-135M-Instruct.Q4_1.gguf");
        using TemporaryFolder folder = new();
        string ids = folder.Combine("ids.json");
        File.WriteAllText(ids, $$"""{"ids":[[{{string.Join(',', Enumerable.Range(1, 256))}}]]}""");
        // 30 layers of 3 heads of 64, keys and values in bf16.
        AssertPeak(new FileInfo(model).Length, 256L * 30 * 3 * 64 * 2 * 2, "score", "--model", model, "--ids", ids, "--json");
    }

    [Test]
    public void Generating_with_a_larger_model_stays_within_its_memory()
    {
        using TemporaryFolder folder = new();
        string model = folder.Combine("model");
        long bytes = LargeCheckpoint.Write(model);
        AssertPeakOfGenerating(folder, model, bytes, LargeCheckpoint.Layers * LargeCheckpoint.KvWidth);
    }

    /// <summary>Types that run quantised: nothing of them is expanded.</summary>
    [TestCase(2, 32, 18, TestName = "Generating_from_Q4_0_stays_within_its_memory")]
    [TestCase(3, 32, 20, TestName = "Generating_from_Q4_1_stays_within_its_memory")]
    [TestCase(6, 32, 22, TestName = "Generating_from_Q5_0_stays_within_its_memory")]
    [TestCase(7, 32, 24, TestName = "Generating_from_Q5_1_stays_within_its_memory")]
    [TestCase(8, 32, 34, TestName = "Generating_from_Q8_0_stays_within_its_memory")]
    [TestCase(12, 256, 144, TestName = "Generating_from_Q4_K_stays_within_its_memory")]
    [TestCase(13, 256, 176, TestName = "Generating_from_Q5_K_stays_within_its_memory")]
    [TestCase(14, 256, 210, TestName = "Generating_from_Q6_K_stays_within_its_memory")]
    [TestCase(20, 32, 18, TestName = "Generating_from_IQ4_NL_stays_within_its_memory")]
    [TestCase(23, 256, 136, TestName = "Generating_from_IQ4_XS_stays_within_its_memory")]
    [TestCase(39, 32, 17, TestName = "Generating_from_MXFP4_stays_within_its_memory")]
    [TestCase(40, 64, 36, TestName = "Generating_from_NVFP4_stays_within_its_memory")]
    public void Generating_from_a_quantised_file(int typeId, int blockElements, int blockBytes)
    {
        using TemporaryFolder folder = new();
        string model = folder.Combine("model.gguf");
        long bytes = LargeGguf.Write(model, typeId, blockElements, blockBytes);
        AssertPeakOfGenerating(folder, model, bytes, LargeGguf.Layers * LargeGguf.KvWidth);
    }

    /// <summary>Quantised forms of Hugging Face checkpoints: nothing of them is expanded either.</summary>
    [TestCase("fp8")]
    [TestCase("gptq")]
    [TestCase("packed")]
    public void Generating_from_a_quantised_checkpoint_stays_within_its_memory(string quantisation)
    {
        using TemporaryFolder folder = new();
        string model = folder.Combine("model");
        long bytes = LargeCheckpoint.Write(model, quantisation: quantisation);
        AssertPeakOfGenerating(folder, model, bytes, LargeCheckpoint.Layers * LargeCheckpoint.KvWidth);
    }

    // Keys and values in bf16.
    private static void AssertPeakOfGenerating(TemporaryFolder folder, string model, long fileBytes, long keyWidths)
    {
        string ids = folder.Combine("ids.json");
        File.WriteAllText(ids, """{"ids":[[1,2,3,4,5,6,7,8]]}""");
        const int context = 512;
        AssertPeak(fileBytes, context * keyWidths * 2 * 2, "generate", "--model", model, "--ids", ids, "--max-tokens", "4", "--context", context.ToString(CultureInfo.InvariantCulture), "--json");
    }

    private static void AssertPeak(long fileBytes, long cacheBytes, params string[] arguments)
    {
        using RunningProgram program = RunningProgram.Start(arguments);
        program.WriteInput("");
        // The peak never sinks, so the last look before the end is enough.
        long peak = 0;
        while (!program.EndsWithin(TimeSpan.FromMilliseconds(2)))
        {
            peak = Math.Max(peak, Peak(program.Id));
        }

        ProgramRun run = program.End();
        Assert.That(run.ExitCode, Is.Zero, run.Error);
        long most = (long)(fileBytes * OfFile) + Own + cacheBytes;
        TestContext.Out.WriteLine($"peak {peak / 1e6:F0} MB, file {fileBytes / 1e6:F0} MB, cache {cacheBytes / 1e6:F0} MB, at most {most / 1e6:F0} MB");
        Assert.That(peak, Is.InRange(fileBytes / 2, most), "peak of resident memory, bytes");
    }

    private static long Peak(int processId)
    {
        try
        {
            string? line = File.ReadLines($"/proc/{processId}/status").FirstOrDefault(l => l.StartsWith("VmHWM:", StringComparison.Ordinal));
            return line is null ? 0 : long.Parse(line.Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024;
        }
        catch (IOException)
        {
            // It ended in between.
            return 0;
        }
    }
}
