using System.Collections.Immutable;
using Moesaic.Interop;
using Moesaic.Models.Checkpoints;

namespace Moesaic.Models.Decoder;

/// <summary>
/// A matrix whose values are stored as codes and, in tensors of their own, scales and the like. It is read as [product of
/// leading dimensions, last dimension] of the logical tensor, as <see cref="MatrixSlice"/> counts rows. Thread-safe.
/// </summary>
/// <param name="kind">How it is stored, for messages.</param>
/// <param name="cols">Columns of the logical matrix.</param>
/// <param name="tensors">Every tensor that it takes; the first holds the codes.</param>
internal abstract class QuantisedMatrix(string kind, long cols, ImmutableArray<CheckpointTensor> tensors)
{
    public string Kind { get; } = kind;

    public long Cols { get; } = cols;

    public ImmutableArray<CheckpointTensor> Tensors { get; } = tensors;

    /// <summary>Bytes of the codes of one row.</summary>
    public abstract long RowBytes { get; }

    /// <summary>Whether the codes of a row follow one another, and those of the next row them.</summary>
    public virtual bool RowsAreContiguous => true;

    /// <summary>In which form a device may hold rows without expanding them; null: none. Weights of one kind have one form.</summary>
    /// <exception cref="ModelFormatException">A stored value is damaged.</exception>
    public virtual WeightForm? Form => null;

    /// <summary>Input column of each column in the order in which <see cref="Form"/> holds them; null: as they are.</summary>
    public virtual int[]? Permutation => null;

    /// <summary>Fills rows of a weight that was made in <see cref="Form"/>.</summary>
    /// <param name="weight">The weight.</param>
    /// <param name="expert">Expert to fill.</param>
    /// <param name="rowBegin">First row to fill.</param>
    /// <param name="firstRow">First row taken.</param>
    /// <param name="numRows">Number of rows, which follow one another here and there.</param>
    /// <param name="scratch">The calling thread's memory.</param>
    /// <exception cref="ModelFormatException">A stored value is damaged.</exception>
    public virtual void Fill(Weight weight, long expert, long rowBegin, long firstRow, long numRows, LoadScratch scratch) =>
        throw new InvalidOperationException($"{Kind} has no form of its own in memory.");

    /// <summary>Exact values of rows that follow one another.</summary>
    /// <param name="firstRow">First row.</param>
    /// <param name="numRows">Number of rows.</param>
    /// <param name="target">[numRows, cols].</param>
    /// <param name="scratch">The calling thread's memory; <see cref="LoadScratch.Values"/> and <see cref="LoadScratch.Stored"/> are in use.</param>
    /// <exception cref="ModelFormatException">A stored value is damaged.</exception>
    public abstract void Expand(long firstRow, long numRows, Span<float> target, LoadScratch scratch);
}
