using Moesaic.Interop;

namespace Moesaic.Models.Encoder;

/// <summary>Arithmetic and upper bounds of an encoder's executor; memory for the bounds is taken once.</summary>
public sealed record EncoderOptions
{
    public Precision Precision { get; init; } = Precision.Fast;

    /// <summary>Tokens of one step; at least the longest text's.</summary>
    public int MaxTokens { get; init; } = 2048;

    /// <summary>Texts of one step.</summary>
    public int MaxSequences { get; init; } = 64;

    /// <summary>Tokens of one text; null: as many as the model has positions, at most <see cref="MaxTokens"/>.</summary>
    public int? MaxContext { get; init; }

    internal int ContextOf(EncoderDescription encoder)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxTokens, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxSequences, 1);
        int limit = Math.Min(encoder.ContextLength, MaxTokens);
        return MaxContext is < 1 || MaxContext > limit
            ? throw new ArgumentException($"Texts of {MaxContext} tokens are not possible: the model has {encoder.ContextLength} positions and a step {MaxTokens} tokens.")
            : MaxContext ?? limit;
    }
}
