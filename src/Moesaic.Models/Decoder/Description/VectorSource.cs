using System.Collections.Immutable;

namespace Moesaic.Models.Decoder;

/// <summary>A float32 vector of the model (norm weight, bias, selection bias) and where it is stored.</summary>
/// <param name="Tensor">Name of the stored tensor.</param>
/// <param name="Length">Number of elements of the vector.</param>
/// <param name="TensorLength">Number of elements of the stored tensor; more than <paramref name="Length"/> where several vectors are stored as one.</param>
/// <param name="Offset">First element of the vector within the stored tensor.</param>
/// <param name="Add">Added to each element: 1 for the families that store a norm's weight less one.</param>
/// <param name="Step">Distance from one element of the vector to the next in the stored tensor: 2 where those of gate and up alternate.</param>
public sealed record VectorSource(string Tensor, long Length, long TensorLength, long Offset = 0, float Add = 0, long Step = 1)
{
    /// <summary>A vector stored as a tensor of its own.</summary>
    public static VectorSource Whole(string tensor, long length) => new(tensor, length, length);

    /// <summary>What each stored element is multiplied with.</summary>
    public float Factor { get; init; } = 1;

    /// <summary>Number of rows of the stored tensor; 1 where it is a plain vector.</summary>
    public long TensorRows { get; init; } = 1;

    /// <summary>Shape that the stored tensor must have.</summary>
    public ImmutableArray<long> TensorShape => TensorRows == 1 ? [TensorLength] : [TensorRows, TensorLength / TensorRows];

    /// <summary>
    /// A vector a row, one after the other, from a stored tensor [rows, tensorCols] of which columns firstCol, firstCol + step,
    /// ... are taken; tensorCols is a multiple of step.
    /// </summary>
    public static VectorSource Stacked(string tensor, long rows, long tensorCols, long firstCol = 0, long step = 1) =>
        new(tensor, rows * (tensorCols / step), rows * tensorCols, firstCol, Step: step) { TensorRows = rows };
}
