using System.Diagnostics;
using System.Text.Json;
using Moesaic.TestSupport;

namespace Moesaic.Cli.Tests;

/// <summary>A model that is not in memory loads in at most 1.5 x the time that reading its file takes, plus repacking.</summary>
[NonParallelizable]
internal sealed class LoadTimeTests
{
    private const int Rounds = 3;

    // Repacking is what a load costs when the file is in memory; it may not overlap with the disk at all. The rest is timer and noise.
    private const double OfReading = 1.5;
    private const double OfRepacking = 1.5;
    private const double Allowance = 0.2;

    [Test]
    public void Cold_load_takes_little_longer_than_reading_the_file()
    {
        using TemporaryFolder folder = new();
        string model = folder.Combine("model");
        long bytes = LargeCheckpoint.Write(model, withData: true);
        string weights = Path.Combine(model, "model.safetensors");
        string ids = folder.Combine("ids.json");
        File.WriteAllText(ids, """{"ids":[[1,2,3]]}""");
        List<double> reads = [], cold = [], warm = [];
        for (int i = 0; i < Rounds; i++)
        {
            DropFromMemory(weights);
            reads.Add(Read(weights));
            warm.Add(Load(model, ids));
            DropFromMemory(weights);
            cold.Add(Load(model, ids));
        }

        double read = Median(reads), repack = Median(warm), load = Median(cold);
        TestContext.Out.WriteLine($"{bytes / 1e6:F0} MB: read in {read:F2} s, loaded cold in {load:F2} s, from memory in {repack:F2} s");
        Assert.That(load, Is.LessThanOrEqualTo((OfReading * read) + (OfRepacking * repack) + Allowance));
    }

    /// <summary>Writes what is not written yet and lets the system forget the file's pages.</summary>
    private static void DropFromMemory(string path)
    {
        Run("dd", $"of={path}", "oflag=nocache", "conv=notrunc,fdatasync", "count=0", "status=none");
    }

    private static double Read(string path)
    {
        long started = Stopwatch.GetTimestamp();
        Run("cat", path);
        return Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    private static double Load(string model, string ids)
    {
        using RunningProgram program = RunningProgram.Start("generate", "--model", model, "--ids", ids, "--max-tokens", "1", "--context", "64", "--json");
        program.WriteInput("");
        ProgramRun run = program.End();
        Assert.That(run.ExitCode, Is.Zero, run.Error);
        using JsonDocument answer = JsonDocument.Parse(run.Output);
        return answer.RootElement.GetProperty("load_seconds").GetDouble();
    }

    private static void Run(string program, params string[] arguments)
    {
        // The shell sends what a program prints to nowhere, so that no pipe of ours counts.
        ProcessStartInfo start = new("/bin/sh") { ArgumentList = { "-c", "exec \"$0\" \"$@\" >/dev/null", program } };
        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        using Process process = Process.Start(start)!;
        process.WaitForExit();
        Assert.That(process.ExitCode, Is.Zero, program);
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
}
