using System.Collections.Immutable;
using System.Globalization;
using Moesaic.Engine.Benchmarking;
using Moesaic.Interop;
using Moesaic.Models.Checkpoints;
using Moesaic.Models.Decoder;
using Moesaic.Models.Synthetic;

namespace Moesaic.Cli.Verbs;

/// <summary>The options of <c>bench</c>, checked.</summary>
internal static class BenchRequest
{
    private const int MaxThreads = 1024;

    /// <exception cref="UsageException">A value is impossible.</exception>
    public static BenchmarkOptions Measurement(BenchOptions options, CancellationToken cancellationToken)
    {
        Precision precision = Word("--precision", options.Precision ?? "fast", ("reference", Precision.Reference), ("fast", Precision.Fast));
        return new BenchmarkOptions
        {
            PromptLengths = Numbers("--prompt-lengths", options.PromptLengths),
            BatchSizes = Numbers("--batch", options.Batch),
            GeneratedTokens = options.Generate,
            Repetitions = options.Repetitions,
            Precision = precision,
            KvFormat = Word(
                "--kv-format",
                options.KvFormat ?? (precision == Precision.Reference ? "f32" : "bf16"),
                ("f32", KvFormat.F32),
                ("bf16", KvFormat.BF16),
                ("int8", KvFormat.Int8)),
            RunsPerStep = options.Slowdown,
            Cancellation = cancellationToken,
        };
    }

    /// <exception cref="UsageException">A value is impossible, here or on this machine.</exception>
    public static DeviceOptions Device(BenchOptions options)
    {
        InstructionSet level = Word(
            "--isa", options.Isa ?? "auto", ("auto", InstructionSet.Auto), ("portable", InstructionSet.Portable), ("avx2", InstructionSet.Avx2), ("avx512", InstructionSet.Avx512));
        if (options.Threads is < 1 or > MaxThreads)
        {
            throw new UsageException($"--threads is {options.Threads}; expected 1 to {MaxThreads}");
        }

        InstructionSet best = CpuInfo.Detect().BestInstructionSet;
        return level <= best
            ? new DeviceOptions { InstructionSet = level, NumThreads = options.Threads ?? 0 }
            : throw new UsageException($"--isa is '{options.Isa}', but the best that this machine has is {best}");
    }

    /// <summary>The synthetic model that is asked for; null when a real one is.</summary>
    /// <exception cref="UsageException">Shape or type is unknown, or they do not go together.</exception>
    public static SyntheticModel? Synthetic(BenchOptions options)
    {
        if (options.Synthetic is null)
        {
            return options.Type is null ? null : throw new UsageException("--type goes with --synthetic only");
        }

        if (options.Model is not null)
        {
            throw new UsageException("--synthetic and --model exclude each other");
        }

        const double mostGib = 1 << 20;
        return options.MaxGib is > 0 and <= mostGib
            ? Synthetic(options.Synthetic, options.Type ?? "q4_0", options.MaxGib)
            : throw new UsageException($"--max-gib is {options.MaxGib.ToString(CultureInfo.InvariantCulture)}; expected more than 0 and at most {mostGib}");
    }

    /// <inheritdoc cref="Synthetic(BenchOptions)"/>
    public static SyntheticModel Synthetic(string shape, string type, double maxGib)
    {
        SyntheticShape found = Word("--synthetic", shape, [.. SyntheticShape.All.Select(s => (s.Name, s))]);
        ElementFormat format = Word(
            "--type",
            type,
            ("f32", ElementFormat.F32),
            ("f16", ElementFormat.F16),
            ("bf16", ElementFormat.BF16),
            ("q8_0", ElementFormat.Q8_0),
            ("q4_0", ElementFormat.Q4_0),
            ("q4_1", ElementFormat.Q4_1),
            ("q4_k", ElementFormat.Q4_K),
            ("q6_k", ElementFormat.Q6_K));
        try
        {
            return SyntheticModel.Create(found, format, (long)(maxGib * (1L << 30)));
        }
        catch (ArgumentException exception)
        {
            throw new UsageException(exception.Message);
        }
    }

    private static ImmutableArray<int> Numbers(string option, string list)
    {
        ImmutableArray<int>.Builder numbers = ImmutableArray.CreateBuilder<int>();
        foreach (string part in list.Split(','))
        {
            numbers.Add(int.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number > 0
                ? number
                : throw new UsageException($"{option} holds '{part}'; expected whole numbers from 1 on, separated by commas"));
        }

        return numbers.ToImmutable();
    }

    private static T Word<T>(string option, string value, params (string Word, T Value)[] choices)
    {
        foreach ((string word, T result) in choices)
        {
            if (string.Equals(word, value, StringComparison.OrdinalIgnoreCase))
            {
                return result;
            }
        }

        throw new UsageException($"{option} is '{value}'; expected one of {string.Join(", ", choices.Select(c => c.Word))}");
    }
}
