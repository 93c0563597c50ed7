using System.Collections.Immutable;
using Moesaic.Interop;

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
    /// <summary>Channels of a head that are rotated, from the first on.</summary>
    public int Dimensions => InverseFrequencies.Length * 2;
}
