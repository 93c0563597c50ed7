using System.Collections.Immutable;
using Moesaic.Models.Decoder;

namespace Moesaic.Models.Export;

/// <summary>A tensor of a file to be written, and where its values come from: a matrix, a vector, or given values.</summary>
internal sealed record ExportTensor(string Name, ImmutableArray<long> Shape)
{
    public MatrixSource? Matrix { get; init; }

    public VectorSource? Vector { get; init; }

    public float[] Values { get; init; } = [];

    /// <summary>Rows of each head are interleaved: width of a head; 0: rows stay.</summary>
    public int InterleavedHead { get; init; }

    /// <summary>Whether it stays float32: vectors and routers.</summary>
    public bool IsExact { get; init; }

    public long Cols => Shape[^1];

    /// <summary>Rows of all experts.</summary>
    public long Rows => Shape.Length == 1 ? 1 : Shape.Take(Shape.Length - 1).Aggregate(1L, (product, size) => product * size);

    /// <summary>The checkpoint's row (within an expert) that becomes a row of the file.</summary>
    public long SourceRow(long row)
    {
        if (InterleavedHead == 0)
        {
            return row;
        }

        long place = row % InterleavedHead;
        return row - place + (place % 2 * (InterleavedHead / 2)) + (place / 2);
    }
}
