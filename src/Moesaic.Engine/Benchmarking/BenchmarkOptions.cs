using System.Collections.Immutable;
using Moesaic.Interop;
using Moesaic.Models.Decoder;

namespace Moesaic.Engine.Benchmarking;

/// <summary>What is measured and how often.</summary>
public sealed record BenchmarkOptions
{
    /// <summary>Tokens of each sequence's prompt; every length is run with every batch size.</summary>
    public ImmutableArray<int> PromptLengths { get; init; } = [512];

    /// <summary>Tokens that each sequence decodes after its prompt.</summary>
    public int GeneratedTokens { get; init; } = 64;

    /// <summary>Sequences that are run together.</summary>
    public ImmutableArray<int> BatchSizes { get; init; } = [1];

    /// <summary>Repetitions after one to warm up.</summary>
    public int Repetitions { get; init; } = 5;

    /// <summary>Tokens of one prefill step.</summary>
    public int PrefillChunk { get; init; } = 512;

    public KvFormat KvFormat { get; init; } = KvFormat.BF16;

    public Precision Precision { get; init; } = Precision.Fast;

    /// <summary>How often each step's kernels are run while the figures count them once: 2 makes everything half as fast, to prove that a gate notices.</summary>
    public int RunsPerStep { get; init; } = 1;

    public CancellationToken Cancellation { get; init; }

    /// <exception cref="ArgumentException">A value is impossible, by itself or for the model.</exception>
    internal void Validate(DecoderDescription description)
    {
        Require(PromptLengths.Length > 0 && PromptLengths.All(p => p > 0), "prompt lengths are one or more numbers from 1 on");
        Require(BatchSizes.Length > 0 && BatchSizes.All(b => b is > 0 and <= 1024), "batch sizes are one or more numbers from 1 to 1024");
        Require(GeneratedTokens > 0, "at least 1 token is generated");
        Require(Repetitions > 0, "there is at least 1 repetition");
        Require(PrefillChunk > 0, "a prefill chunk has at least 1 token");
        Require(RunsPerStep > 0, "a step is run at least once");
        long longest = (long)PromptLengths.Max() + GeneratedTokens;
        Require(longest <= description.ContextLength, $"a prompt of {PromptLengths.Max()} and {GeneratedTokens} generated tokens do not fit the model's context of {description.ContextLength}");
    }

    private static void Require(bool condition, string rule)
    {
        if (!condition)
        {
            throw new ArgumentException($"The measurement is not possible: {rule}.");
        }
    }
}
