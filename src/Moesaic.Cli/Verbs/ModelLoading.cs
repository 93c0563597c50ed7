using Moesaic.Cli.Hosting;
using Moesaic.Cli.Input;
using Moesaic.Cli.Pull;
using Moesaic.Engine;
using Moesaic.Interop;
using Moesaic.Models.Decoder;

namespace Moesaic.Cli.Verbs;

/// <summary>Options to a loaded model, with progress and announcements on standard error.</summary>
internal static class ModelLoading
{
    private const int MaxThreads = 1024;

    /// <summary>Checks the options that need no model.</summary>
    /// <exception cref="UsageException">A value is impossible, here or on this machine.</exception>
    public static EngineOptions Check(ModelOptions options)
    {
        Precision precision = Choice.Parse(
            "--precision", options.Precision, Precision.Fast, ("reference", Precision.Reference), ("fast", Precision.Fast));
        return new EngineOptions
        {
            Device = Device(options.Isa, options.Threads, device: options.Device),
            Precision = precision,
            KvFormat = Choice.Parse(
                "--kv-format",
                options.KvFormat,
                precision == Precision.Reference ? KvFormat.F32 : KvFormat.BF16,
                ("f32", KvFormat.F32),
                ("bf16", KvFormat.BF16),
                ("int8", KvFormat.Int8)),
            LatentForm = Choice.Parse(
                "--latent-form",
                options.LatentForm,
                LatentForm.Absorbed,
                ("absorbed", LatentForm.Absorbed),
                ("expanded", LatentForm.Expanded),
                ("mixed", LatentForm.Mixed)),
            MaxContext = options.Context is null or > 0
                ? options.Context
                : throw new UsageException($"--context is {options.Context}; expected at least 1"),
        };
    }

    /// <summary>Checks which device is wanted.</summary>
    /// <exception cref="UsageException">A value is impossible, here or on this machine.</exception>
    public static DeviceOptions Device(string? isa, int? threads, string? isaOrigin = null, string? device = null)
    {
        DeviceChoice.Check(device);
        InstructionSet level = Choice.Parse(
            isaOrigin ?? "--isa",
            isa,
            InstructionSet.Auto,
            ("auto", InstructionSet.Auto),
            ("portable", InstructionSet.Portable),
            ("avx2", InstructionSet.Avx2),
            ("avx512", InstructionSet.Avx512));
        if (threads is < 1 or > MaxThreads)
        {
            throw new UsageException($"--threads is {threads}; expected 1 to {MaxThreads}");
        }

        if (level != InstructionSet.Auto && CpuInfo.Detect() is { } cpu && level > cpu.BestInstructionSet)
        {
            throw new UsageException($"--isa is '{isa}', but the best that this machine has is {Name(cpu.BestInstructionSet)}");
        }

        return new DeviceOptions { InstructionSet = level, NumThreads = threads ?? 0 };
    }

    /// <summary>The word for a level, as <c>--isa</c> takes it.</summary>
    public static string Name(InstructionSet level) => level switch
    {
        InstructionSet.Portable => "portable",
        InstructionSet.Avx2 => "avx2",
        InstructionSet.Avx512 => "avx512",
        _ => "auto",
    };

    /// <summary>Loads the model that the options name.</summary>
    /// <param name="options">Which model.</param>
    /// <param name="engine">How, from <see cref="Check"/>.</param>
    /// <param name="terminal">Where progress and announcements go.</param>
    /// <param name="cancellationToken">Ends the load.</param>
    public static ModelRuntime Load(ModelOptions options, EngineOptions engine, Terminal terminal, CancellationToken cancellationToken)
    {
        using LoadingBar bar = new(terminal);
        try
        {
            return ModelRuntime.Load(ModelCache.Resolve(options.Model), engine with
            {
                Progress = bar.Report,
                Announce = weights => bar.Say(weights.ToString()),
                Cancellation = cancellationToken,
            });
        }
        catch (ArgumentException exception)
        {
            throw new UsageException(Message(exception));
        }
    }

    /// <summary>The message without the name of a parameter, which means nothing to a user.</summary>
    public static string Message(ArgumentException exception)
    {
        int suffix = exception.Message.IndexOf(" (Parameter '", StringComparison.Ordinal);
        return suffix < 0 ? exception.Message : exception.Message[..suffix];
    }
}
