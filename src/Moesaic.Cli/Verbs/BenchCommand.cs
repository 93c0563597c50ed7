using System.Text;
using System.Text.Json;
using Moesaic.Cli.Hosting;
using Moesaic.Cli.Output;
using Moesaic.Cli.Pull;
using Moesaic.Engine.Benchmarking;
using Moesaic.Interop;
using Moesaic.Models.Decoder;
using Moesaic.Models.Synthetic;

namespace Moesaic.Cli.Verbs;

internal static class BenchCommand
{
    public static Task<int> RunAsync(BenchOptions options, Terminal terminal, CancellationToken cancellationToken) =>
        Task.FromResult(options.Gate is null ? Run(options, terminal, cancellationToken) : BenchGate.Run(options, terminal, cancellationToken));

    private static int Run(BenchOptions options, Terminal terminal, CancellationToken cancellationToken)
    {
        OutputFile.Check("--markdown", options.Markdown);
        BenchmarkOptions measurement = BenchRequest.Measurement(options, cancellationToken);
        DeviceOptions device = ModelLoading.Device(options.Isa, options.Threads, device: options.Device);
        LoadOptions load = new() { Announce = weights => terminal.Error.WriteLine(weights), Cancellation = cancellationToken };
        BenchmarkReport report;
        using (BenchmarkModel model = Load(options, device, load))
        {
            report = Measure(model, measurement);
        }

        string command = "moesaic " + string.Join(' ', Environment.GetCommandLineArgs().Skip(1));
        string markdown = BenchmarkMarkdown.Write(report, command);
        if (options.Markdown is not null)
        {
            File.WriteAllText(options.Markdown, markdown);
        }

        terminal.Output.WriteLine(options.Json ? Json(report, command) : markdown);
        return ExitCodes.Success;
    }

    /// <exception cref="UsageException">The measurement is not possible with this model.</exception>
    public static BenchmarkReport Measure(BenchmarkModel model, BenchmarkOptions measurement)
    {
        try
        {
            return Benchmark.Run(model, measurement);
        }
        catch (ArgumentException exception)
        {
            throw new UsageException(exception.Message);
        }
    }

    private static BenchmarkModel Load(BenchOptions options, DeviceOptions device, LoadOptions load)
    {
        using SyntheticModel? synthetic = BenchRequest.Synthetic(options);
        return synthetic is null ? BenchmarkModel.Load(ModelCache.Resolve(options.Model), device, load) : BenchmarkModel.Load(synthetic, device, load);
    }

    private static string Json(BenchmarkReport report, string command)
    {
        using MemoryStream stream = new();
        using (Utf8JsonWriter writer = new(stream))
        {
            BenchmarkJson.Write(writer, report, command);
        }

        return Encoding.UTF8.GetString(stream.ToArray());
    }
}
