using System.Collections.Immutable;
using Moesaic.Interop;

namespace Moesaic.Models.Decoder;

/// <summary>What a plan's loading left on a device.</summary>
internal sealed record LoadedWeights(Dictionary<MatrixSource, Weight> Matrices, VectorStore Vectors, ImmutableArray<ExpandedWeights> Expanded) : IDisposable
{
    public void Dispose()
    {
        foreach (Weight weight in Matrices.Values)
        {
            weight.Dispose();
        }

        Vectors.Dispose();
    }
}
