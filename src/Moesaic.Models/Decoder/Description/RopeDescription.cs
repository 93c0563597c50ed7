using System.Collections.Immutable;
using Moesaic.Interop;
using Moesaic.Models.Configurations;

namespace Moesaic.Models.Decoder;

/// <summary>A rotary embedding (RoFormer, Su et al. 2021): one table of cosines and sines a step serves all layers that share it.</summary>
/// <param name="Pairing">Which channels turn together.</param>
/// <param name="InverseFrequencies">Radians a position for each pair, scaling already applied; half as many as rotated channels.</param>
/// <param name="Factor">Multiplies cosines and sines (the attention factor of YaRN).</param>
public sealed record RopeDescription(
    RopePairing Pairing,
    ImmutableArray<float> InverseFrequencies,
    float Factor = 1)
{
    /// <summary>
    /// What an executor uses instead whose context is within the model's original one (longrope has frequencies for both);
    /// null: always the same. One executor uses one set for every sequence, so that cached keys stay valid.
    /// </summary>
    public OriginalRope? Original { get; init; }

    /// <summary>What the configuration said, for those who write one; the computation needs nothing of it.</summary>
    public RopeSettings? Settings { get; init; }

    /// <summary>Channels of a head that are rotated, from the first on.</summary>
    public int Dimensions => InverseFrequencies.Length * 2;
}
