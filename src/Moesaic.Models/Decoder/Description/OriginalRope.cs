using System.Collections.Immutable;

namespace Moesaic.Models.Decoder;

/// <summary>The rotation of a model with extended context while it runs within its original one.</summary>
/// <param name="MaxContext">Positions of the original context.</param>
/// <param name="InverseFrequencies">Radians a position for each pair; as many as the extended ones.</param>
/// <param name="Factor">Multiplies cosines and sines.</param>
public sealed record OriginalRope(int MaxContext, ImmutableArray<float> InverseFrequencies, float Factor);
