using System.Collections.Immutable;

namespace Moesaic.Models.Decoder;

/// <summary>
/// Multi-head attention with grouped key-value heads: query head h reads key-value head h / (query heads / key-value heads).
/// With <see cref="Latent"/> it is multi-head latent attention: one cached head, whose values are a prefix of its keys.
/// </summary>
public sealed record AttentionDescription
{
    public required int NumHeads { get; init; }

    public required int NumKeyValueHeads { get; init; }

    /// <summary>Channels of one head's query and key; with <see cref="Latent"/> of what is cached.</summary>
    public required int KeyWidth { get; init; }

    /// <summary>Channels of one head's value, that is of its output.</summary>
    public required int ValueWidth { get; init; }

    /// <summary>Factor of the scores.</summary>
    public required float Scale { get; init; }

    /// <summary>Positions looked back on, itself included; 0: all.</summary>
    public int Window { get; init; }

    /// <summary>
    /// Query, key and value projections whose outputs, laid one after the other, are [all queries | all keys | all values]:
    /// three, or one where the checkpoint stores them as one. Empty with <see cref="Latent"/>.
    /// </summary>
    public required ImmutableArray<ProjectionDescription> Input { get; init; }

    public required ProjectionDescription Output { get; init; }

    /// <summary>RMSNorm of each query head before the rotation; of the whole query where the weight is as long as all heads together.</summary>
    public NormDescription? QueryNorm { get; init; }

    /// <summary>As <see cref="QueryNorm"/>, of the key.</summary>
    public NormDescription? KeyNorm { get; init; }

    /// <summary>Index into <see cref="DecoderDescription.Ropes"/>; -1 for a layer without rotation.</summary>
    public int Rope { get; init; }

    /// <summary>Optional logit per query head that is added to the softmax's denominator alone.</summary>
    public VectorSource? Sinks { get; init; }

    /// <summary>Every token sees the whole sequence, which must come in one step.</summary>
    public bool IsBidirectional { get; init; }

    /// <summary>Index into <see cref="DecoderDescription.PositionBiases"/>; -1: none.</summary>
    public int PositionBias { get; init; } = -1;

    /// <summary>Multi-head latent attention; null: each head's keys and values are projected from the layer's input.</summary>
    public LatentAttentionDescription? Latent { get; init; }

    /// <summary>Width of what is projected for one token: queries, keys and values together, or queries and latent.</summary>
    public int InputWidth => Latent is { } latent
        ? checked((NumHeads * latent.QueryWidth) + latent.CachedWidth + latent.QueryRank)
        : checked(((NumHeads + NumKeyValueHeads) * KeyWidth) + (NumKeyValueHeads * ValueWidth));

    /// <summary>Width of one token's attention output.</summary>
    public int OutputWidth => checked(NumHeads * ValueWidth);
}
