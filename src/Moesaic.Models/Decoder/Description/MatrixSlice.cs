using System.Collections.Immutable;

namespace Moesaic.Models.Decoder;

/// <summary>
/// Rows of a stored tensor that become rows of a matrix. The stored tensor is read as [product of leading dimensions, last
/// dimension], so a stack of experts is one tall matrix.
/// </summary>
/// <param name="Tensor">Name of the stored tensor.</param>
/// <param name="TensorShape">Shape that the stored tensor must have.</param>
/// <param name="SourceRow">First row taken.</param>
/// <param name="SourceStep">Distance from one taken row to the next: 2 where gate and up rows alternate.</param>
/// <param name="Expert">Expert of the matrix that the rows belong to.</param>
/// <param name="TargetRow">First row filled.</param>
/// <param name="NumRows">Number of rows.</param>
/// <param name="Transposed">
/// Whether the stored tensor holds the matrix with its columns as rows: then row r of the matrix is column
/// <paramref name="SourceColumn"/> + r * <paramref name="SourceStep"/> of the stored rows from <paramref name="SourceRow"/> on, one for
/// each column of the matrix. Only for element formats without blocks.
/// </param>
/// <param name="SourceColumn">First column taken of a transposed tensor.</param>
/// <param name="Turned">
/// Whether the matrix is wanted with its rows as columns: then row r of the matrix is column r of the logical rows from
/// <paramref name="SourceRow"/> on, one for each column of the matrix, in whatever form they are stored. What is not F32, F16 or BF16
/// is expanded for it.
/// </param>
public sealed record MatrixSlice(
    string Tensor,
    ImmutableArray<long> TensorShape,
    long SourceRow,
    long SourceStep,
    long Expert,
    long TargetRow,
    long NumRows,
    bool Transposed = false,
    long SourceColumn = 0,
    bool Turned = false);
