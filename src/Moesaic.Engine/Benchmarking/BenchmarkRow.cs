namespace Moesaic.Engine.Benchmarking;

/// <summary>Which half of a generation a figure is about.</summary>
public enum BenchmarkPhase
{
    Prefill,
    Decode,
}

/// <summary>One line of the result.</summary>
/// <param name="Phase">Prefill or decode.</param>
/// <param name="PromptLength">Tokens of each prompt.</param>
/// <param name="GeneratedTokens">Tokens that each sequence decoded; 0 for a prefill.</param>
/// <param name="BatchSize">Sequences run together.</param>
/// <param name="TokensPerSecond">Of all sequences together.</param>
/// <param name="Work">Bytes that a repetition must touch (decode) or operations that it needs (prefill).</param>
/// <param name="Limit">What bounds the phase, bytes or operations a second, as measured around the repetitions.</param>
/// <param name="ShareOfLimit">Work a second over the limit measured right before and after the repetition: 1 is the limit.</param>
/// <param name="RateOfOnce">Where steps were run several times (<see cref="BenchmarkOptions.RunsPerStep"/>): the rate over that of the same steps run once, right before; null elsewhere.</param>
/// <param name="AllocatedBytesPerToken">Managed bytes allocated on the running thread for each token, at most over the repetitions.</param>
public sealed record BenchmarkRow(
    BenchmarkPhase Phase,
    int PromptLength,
    int GeneratedTokens,
    int BatchSize,
    Spread TokensPerSecond,
    double Work,
    Spread Limit,
    Spread ShareOfLimit,
    Spread? RateOfOnce,
    double AllocatedBytesPerToken);
