using System.Globalization;
using System.Runtime.InteropServices;
using Moesaic.Cli.Hosting;
using Moesaic.Cli.Output;
using Moesaic.Interop;
using Moesaic.Models.Embedded;
using Moesaic.Models.Families;

namespace Moesaic.Cli.Verbs;

internal static class DoctorCommand
{
    private const double MiB = 1 << 20;

    public static Task<int> RunAsync(DoctorOptions options, Terminal terminal, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        List<(string Name, string Value)> facts =
        [
            ("program", $"moesaic {typeof(DoctorCommand).Assembly.GetName().Version!.ToString(3)}"),
            ("runtime", $"{RuntimeInformation.FrameworkDescription}, {RuntimeInformation.RuntimeIdentifier}"),
            ("system", RuntimeInformation.OSDescription),
            ("memory_available", Mebibytes(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes)),
            ("families", string.Join(", ", ModelFamilies.Names)),
            ("encoder_families", string.Join(", ", Models.Encoder.EncoderFamilies.Names)),
            ("abi_expected", LibraryInfo.AbiVersion.ToString(CultureInfo.InvariantCulture)),
        ];
        List<string> problems = [];
        CudaInfo? cuda = null;
        CheckEmbeddedModel(facts, problems);
        try
        {
            cuda = CheckNative(options, facts);
        }
        catch (NativeLibraryException exception)
        {
            facts.Add(("native_library", "unusable"));
            problems.Add(exception.Message);
        }

        Print(options.Json, facts, cuda, problems, terminal);
        return Task.FromResult(problems.Count == 0 ? ExitCodes.Success : ExitCodes.RunFailure);
    }

    private static void CheckEmbeddedModel(List<(string Name, string Value)> facts, List<string> problems)
    {
        FileInfo file = new(EmbeddedModel.Path);
        facts.Add(("embedded_model", file.Exists ? $"{file.FullName}, {Mebibytes(file.Length)}" : "absent"));
        if (!file.Exists)
        {
            problems.Add($"the embedded model is missing: {file.FullName}; build the program again, or name a model with --model");
        }
    }

    private static CudaInfo CheckNative(DoctorOptions options, List<(string Name, string Value)> facts)
    {
        facts.Add(("native_library", LibraryInfo.Path));
        facts.Add(("native_build", LibraryInfo.BuildInfo));

        // Loading has compared both versions; another one would have ended in the exception.
        facts.Add(("abi_check", "program and library agree"));
        CpuInfo cpu = CpuInfo.Detect();
        facts.Add(("cpu", cpu.Name));
        facts.Add(("cpu_features", cpu.Features.ToString()));
        facts.Add(("cpu_caches", $"L1d {cpu.L1DataBytes / 1024} KiB, L2 {cpu.L2Bytes / 1024} KiB, L3 {cpu.L3Bytes / 1024} KiB"));
        facts.Add(("processors", $"{cpu.UsableProcessors} usable (affinity and cgroup quota counted) of {Environment.ProcessorCount} that the runtime sees"));
        facts.Add(("memory", Mebibytes(cpu.MemoryBytes)));
        using Device device = Device.Open(ModelLoading.Device(options.Isa, options.Threads, device: options.Device));
        DeviceInfo info = device.Info;
        CudaInfo cuda = CudaInfo.Detect();
        facts.AddRange(CudaReport.Facts(cuda));
        facts.Add(("backend", $"{info.Backend.ToString().ToLowerInvariant()}: {CudaReport.Reason(cuda)}"));
        facts.Add(("instruction_set", $"{ModelLoading.Name(info.InstructionSet)}: {Reason(options, cpu)}"));
        facts.Add(("features_used", info.Features.ToString()));
        facts.Add(("threads", $"{info.NumThreads}: {(options.Threads is null ? "as many as usable processors" : "asked for with --threads")}"));
        return cuda;
    }

    private static string Reason(DoctorOptions options, CpuInfo cpu) =>
        options.Isa is not null && !string.Equals(options.Isa, "auto", StringComparison.OrdinalIgnoreCase)
            ? $"asked for with --isa; the best here is {ModelLoading.Name(cpu.BestInstructionSet)}"
            : "the best that processor and system support";

    private static string Mebibytes(long bytes) => string.Create(CultureInfo.InvariantCulture, $"{bytes / MiB:F1} MiB");

    private static void Print(
        bool json, List<(string Name, string Value)> facts, CudaInfo? cuda, List<string> problems, Terminal terminal)
    {
        if (json)
        {
            terminal.Output.WriteLine(JsonText.Object(writer =>
            {
                writer.WriteBoolean("ok", problems.Count == 0);
                foreach ((string name, string value) in facts)
                {
                    writer.WriteString(name, value);
                }

                if (cuda is not null)
                {
                    CudaReport.Write(writer, cuda);
                }

                writer.WriteStartArray("problems");
                foreach (string problem in problems)
                {
                    writer.WriteStringValue(problem);
                }

                writer.WriteEndArray();
            }));
        }
        else
        {
            foreach ((string name, string value) in facts)
            {
                terminal.Output.WriteLine($"{name.Replace('_', ' '),-18}{value}");
            }

            if (problems.Count == 0)
            {
                terminal.Output.WriteLine("all parts fit together");
            }
        }

        terminal.Flush();
        foreach (string problem in problems)
        {
            terminal.Fail(problem);
        }
    }
}
