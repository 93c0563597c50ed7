using System.Collections.Immutable;
using System.Globalization;
using Moesaic.Cli.Input;
using Moesaic.Engine.Benchmarking;
using Moesaic.Interop;
using Moesaic.Models.Checkpoints;
using Moesaic.Models.Decoder;
using Moesaic.Models.Synthetic;

namespace Moesaic.Cli.Verbs;

/// <summary>The options of <c>bench</c>, checked.</summary>
internal static class BenchRequest
{
    private static readonly ElementFormat[] s_formats =
    [
        ElementFormat.F32, ElementFormat.F16, ElementFormat.BF16, ElementFormat.Q8_0, ElementFormat.Q4_0, ElementFormat.Q4_1, ElementFormat.Q5_0, ElementFormat.Q5_1,
        ElementFormat.Q4_K, ElementFormat.Q5_K, ElementFormat.Q6_K, ElementFormat.MXFP4, ElementFormat.NVFP4, ElementFormat.IQ4_NL, ElementFormat.IQ4_XS,
    ];

    /// <exception cref="UsageException">A value is impossible.</exception>
    public static BenchmarkOptions Measurement(BenchOptions options, CancellationToken cancellationToken)
    {
        Precision precision = Choice.Parse("--precision", options.Precision, Precision.Fast, ("reference", Precision.Reference), ("fast", Precision.Fast));
        return new BenchmarkOptions
        {
            PromptLengths = Numbers("--prompt-lengths", options.PromptLengths),
            BatchSizes = Numbers("--batch", options.Batch),
            GeneratedTokens = options.Generate,
            Repetitions = options.Repetitions,
            Precision = precision,
            KvFormat = Choice.Parse(
                "--kv-format",
                options.KvFormat,
                precision == Precision.Reference ? KvFormat.F32 : KvFormat.BF16,
                ("f32", KvFormat.F32),
                ("bf16", KvFormat.BF16),
                ("int8", KvFormat.Int8)),
            RunsPerStep = options.Slowdown,
            Cancellation = cancellationToken,
        };
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
            ? Synthetic(options.Synthetic, options.Type, options.MaxGib)
            : throw new UsageException($"--max-gib is {options.MaxGib.ToString(CultureInfo.InvariantCulture)}; expected more than 0 and at most {mostGib}");
    }

    /// <inheritdoc cref="Synthetic(BenchOptions)"/>
    public static SyntheticModel Synthetic(string shape, string? type, double maxGib)
    {
        SyntheticShape found = Choice.Parse("--synthetic", shape, SyntheticShape.SmolLm2, [.. SyntheticShape.All.Select(s => (s.Name, s))]);
        (ElementFormat format, SyntheticQuantisation? quantisation) = Choice.Parse(
            "--type",
            type,
            (ElementFormat.Q4_0, null),
            [
                .. s_formats.Select(static f => (ElementFormats.NameOf(f).ToLowerInvariant(), (f, (SyntheticQuantisation?)null))),
                .. SyntheticQuantisation.All.Select(static q => (q.Name, (ElementFormat.BF16, (SyntheticQuantisation?)q))),
            ]);
        try
        {
            return SyntheticModel.Create(found, format, (long)(maxGib * (1L << 30)), quantisation);
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
}
