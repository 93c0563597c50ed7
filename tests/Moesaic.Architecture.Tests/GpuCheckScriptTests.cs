using System.Diagnostics;
using System.Text.Json;
using Moesaic.TestSupport;

namespace Moesaic.Architecture.Tests;

/// <summary>What scripts/gpu-check.sh records and refuses, with a program that stands in for the op tests.</summary>
[Platform("Linux", Reason = "bash")]
internal sealed class GpuCheckScriptTests
{
    private const string Device = """Some "GPU" | 80GB, compute capability 9.0, the driver runs CUDA 12.4""";

    [Test]
    public void Stages_append_to_one_table_and_one_json_file()
    {
        using TemporaryFolder folder = new();
        string program = Program(folder, Device, "[  PASSED  ] 80 tests.\n[  SKIPPED ] 2 tests, listed below:", 0);
        Assert.That(Run(folder, program, "ops").ExitCode, Is.Zero);
        string broken = Program(folder, Device, "[  PASSED  ] 81 tests.\n[  FAILED  ] 1 test, listed below:", 1);
        (int exitCode, string error) = Run(folder, broken, "ops");
        Assert.That((exitCode, error.Contains("gpu-check.sh ops: failed with exit code 1", StringComparison.Ordinal)), Is.EqualTo((1, true)), error);

        using JsonDocument json = JsonDocument.Parse(File.ReadAllText(folder.Combine("out/gpu-check.json")));
        JsonElement[] runs = [.. json.RootElement.EnumerateArray()];
        string[] rows = [.. File.ReadLines(folder.Combine("out/gpu-check.md")).Where(line => line.Contains("| ops |", StringComparison.Ordinal))];
        Assert.Multiple(() =>
        {
            Assert.That(runs.Select(r => (r.GetProperty("result").GetString(), r.GetProperty("passed").GetInt32(), r.GetProperty("failed").GetInt32(), r.GetProperty("skipped").GetInt32())),
                Is.EqualTo(new[] { ("passed", 80, 0, 2), ("failed", 81, 1, 0) }));
            Assert.That(runs.Select(r => r.GetProperty("gpu").GetString()), Is.All.EqualTo(Device));
            Assert.That(runs[0].GetProperty("command").GetString(), Does.Contain(Path.GetFileName(program)));
            Assert.That(runs[0].GetProperty("date").GetString(), Does.Match(@"^20\d\d-\d\d-\d\dT"));
            Assert.That(rows, Has.Length.EqualTo(2));
        });
    }

    [TestCase("[  PASSED  ] 0 tests.", 0)]
    [TestCase("", 0)]
    [TestCase("", 139)]
    public void A_run_in_which_nothing_passed_has_failed(string output, int exitCode)
    {
        using TemporaryFolder folder = new();
        Assert.That(Run(folder, Program(folder, Device, output, exitCode), "ops").ExitCode, Is.EqualTo(1));
        Assert.That(File.ReadAllText(folder.Combine("out/gpu-check.json")), Does.Contain("\"result\": \"failed\""));
    }

    [Test]
    public void What_cannot_run_here_is_refused_and_not_recorded()
    {
        using TemporaryFolder folder = new();
        string program = Program(folder, "no CUDA device here: there is no NVIDIA driver", "", 0);
        (int exitCode, string error) = Run(folder, program, "ops", "sanitize", "kernels", "engine");
        Assert.Multiple(() =>
        {
            Assert.That(exitCode, Is.EqualTo(3));
            Assert.That(error, Does.Contain("ops: not run: no CUDA device here: there is no NVIDIA driver").And.Contain("kernels: not run: this stage is not there yet"));
            Assert.That(error, Does.Contain("engine: not run: this stage is not there yet"));
            Assert.That(File.Exists(folder.Combine("out/gpu-check.json")), Is.False);
            Assert.That(Run(folder, folder.Combine("absent"), "ops").Error, Does.Contain("absent is not there: run the stage build"));
            Assert.That(Run(folder, program, "wrong").ExitCode, Is.EqualTo(2));
        });
    }

    private static string Program(TemporaryFolder folder, string device, string output, int exitCode)
    {
        string path = folder.Combine($"tests-{Guid.NewGuid():N}");
        File.WriteAllText(path, $"#!/bin/bash\ncat <<'END'\ndevice: {device}\n{output}\nEND\nexit {exitCode}\n");
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }

        return path;
    }

    private static (int ExitCode, string Error) Run(TemporaryFolder folder, string program, params string[] stages)
    {
        ProcessStartInfo start = new("bash", ["scripts/gpu-check.sh", "--output", folder.Combine("out"), "--program", program, .. stages])
        {
            WorkingDirectory = Repository.Root,
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };
        using Process script = Process.Start(start)!;
        Task<string> output = script.StandardOutput.ReadToEndAsync();
        string error = script.StandardError.ReadToEnd();
        Assert.That(script.WaitForExit(TimeSpan.FromMinutes(1)));
        _ = output.Result;
        return (script.ExitCode, error);
    }
}
