using Moesaic.Interop;

namespace Moesaic.Models.Decoder;

/// <summary>Arithmetic and bounds of an encoder-decoder's executor.</summary>
public sealed record EncoderDecoderOptions
{
    public Precision Precision { get; init; } = Precision.Fast;

    /// <summary>
    /// How keys and values are kept. Scores of attention are not scaled in this kind of model, so what rounding takes weighs more
    /// than elsewhere (NMSE of the small Switch Transformer's logits 0.02 with bf16, 1.5e-10 with f32); memory is that of one sequence.
    /// </summary>
    public KvFormat KvFormat { get; init; } = KvFormat.F32;

    /// <summary>Tokens of the longest input.</summary>
    public required int MaxInputTokens { get; init; }

    /// <summary>Tokens of the longest output, the one that it begins with included.</summary>
    public required int MaxOutputTokens { get; init; }

    /// <summary>Tokens of one step of the output, which bounds the rows of logits that are kept; null: as many as the output has.</summary>
    public int? MaxStepTokens { get; init; }

    /// <summary>Logits of every token of a step; otherwise of the last.</summary>
    public bool AllLogits { get; init; }

    /// <summary>Keep every layer's choice of experts, and take prescribed ones.</summary>
    public bool RecordExpertChoices { get; init; }

    /// <summary>Positions of a cache page; a multiple of 16.</summary>
    public int PageTokens { get; init; } = 64;
}
