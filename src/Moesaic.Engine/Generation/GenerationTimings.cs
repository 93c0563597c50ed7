using System.Diagnostics;

namespace Moesaic.Engine;

/// <summary>What one generation took.</summary>
public readonly record struct GenerationTimings
{
    /// <summary>Tokens of the prompt.</summary>
    public int PromptTokens { get; init; }

    /// <summary>Of these, tokens whose keys and values were still cached.</summary>
    public int ReusedTokens { get; init; }

    public int GeneratedTokens { get; init; }

    /// <summary>From the request to the end of prefill, the first draw included: the time to the first token.</summary>
    public TimeSpan Prefill { get; init; }

    /// <summary>From the first token to the last.</summary>
    public TimeSpan Decode { get; init; }

    /// <summary>Prompt tokens computed a second.</summary>
    public double PrefillTokensPerSecond => Rate(PromptTokens - ReusedTokens, Prefill);

    /// <summary>Tokens after the first a second.</summary>
    public double DecodeTokensPerSecond => Rate(GeneratedTokens - 1, Decode);

    internal static TimeSpan Since(long timestamp) => Stopwatch.GetElapsedTime(timestamp);

    private static double Rate(int count, TimeSpan time) => count > 0 && time > TimeSpan.Zero ? count / time.TotalSeconds : 0;
}
