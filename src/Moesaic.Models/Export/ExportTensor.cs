using System.Collections.Immutable;
using Moesaic.Models.Decoder;

namespace Moesaic.Models.Export;

/// <summary>A tensor of a file to be written, and where its values come from: a matrix, a vector, or given values.</summary>
internal sealed record ExportTensor(string Name, ImmutableArray<long> Shape)
{
    public MatrixSource? Matrix { get; init; }

    public VectorSource? Vector { get; init; }

    public float[] Values { get; init; } = [];

    /// <summary>Rows that change places; null: all stay.</summary>
    public RowInterleave? Interleave { get; init; }

    /// <summary>Whether it stays float32: vectors, routers and small tables.</summary>
    public bool IsExact { get; init; }

    public long Cols => Shape[^1];

    /// <summary>Rows of all experts.</summary>
    public long Rows => Shape.Length == 1 ? 1 : Shape.Take(Shape.Length - 1).Aggregate(1L, (product, size) => product * size);

    /// <summary>The checkpoint's row (within an expert) that becomes a row of the file.</summary>
    public long SourceRow(long row) => Interleave?.SourceRow(row) ?? row;
}

/// <summary>
/// Rows whose rotated halves pair up become rows whose neighbours do: in every <paramref name="Block"/> rows, row
/// <paramref name="First"/> + 2j + b comes from row First + b * Count / 2 + j.
/// </summary>
/// <param name="Block">Rows of a head.</param>
/// <param name="First">First rotated row of a head.</param>
/// <param name="Count">Rotated rows of a head.</param>
internal sealed record RowInterleave(long Block, long First, long Count)
{
    public long SourceRow(long row)
    {
        long place = (row % Block) - First;
        return place < 0 || place >= Count ? row : row - place + (place % 2 * (Count / 2)) + (place / 2);
    }
}
