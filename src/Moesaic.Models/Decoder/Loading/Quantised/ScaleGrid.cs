using Moesaic.Models.Checkpoints;
using Moesaic.Models.Configurations;

namespace Moesaic.Models.Decoder;

/// <summary>Scales of a stack of matrices stored as [stack, row groups, column groups]: which of them are a row's.</summary>
internal sealed class ScaleGrid
{
    private readonly CheckpointTensor _tensor;
    private readonly long _rows;
    private readonly long _gridRows;
    private readonly int _groupRows;

    /// <param name="tensor">The scales.</param>
    /// <param name="owner">Name of the weight, for messages.</param>
    /// <param name="shape">Logical shape of the weight: [.., rows, cols].</param>
    /// <param name="scheme">Shape of a group.</param>
    /// <exception cref="ModelFormatException">The tensor has another type or shape.</exception>
    public ScaleGrid(CheckpointTensor tensor, string owner, ReadOnlySpan<long> shape, QuantisationScheme scheme)
    {
        _tensor = tensor;
        _rows = shape[^2];
        _groupRows = scheme.GroupRows;
        _gridRows = Groups(_rows, scheme.GroupRows);
        NumGroups = checked((int)Groups(shape[^1], scheme.GroupColumns));
        long[] expected = [.. shape[..^2], _gridRows, NumGroups];
        if (!StoredNumbers.IsFloat(tensor.Format))
        {
            throw new ModelFormatException(tensor.File.Path, tensor.Name, $"its type is {ElementFormats.NameOf(tensor.Format)}; expected scales in F32, F16 or BF16.");
        }

        if (!tensor.Shape.Where(d => d != 1).SequenceEqual(expected.Where(d => d != 1)))
        {
            throw new ModelFormatException(tensor.File.Path, tensor.Name, $"its shape is [{string.Join(", ", tensor.Shape)}]; expected [{string.Join(", ", expected)}] for {owner} [{string.Join(", ", shape.ToArray())}], {scheme.Description}.");
        }
    }

    /// <summary>Scales of a row.</summary>
    public int NumGroups { get; }

    /// <summary>The scales of rows that follow one another, [rows, groups].</summary>
    public void Read(long firstRow, long numRows, Span<float> target)
    {
        for (int i = 0; i < numRows; i++)
        {
            Span<float> row = target.Slice(i * NumGroups, NumGroups);
            long index = IndexOf(firstRow + i);
            if (i > 0 && index == IndexOf(firstRow + i - 1))
            {
                target.Slice((i - 1) * NumGroups, NumGroups).CopyTo(row);
            }
            else
            {
                StoredNumbers.ReadScales(_tensor, index * NumGroups, row);
            }
        }
    }

    /// <summary>Number of groups of a size in a length, the last of which may be smaller.</summary>
    public static long Groups(long length, int size) => size == QuantisationScheme.All ? 1 : ((length - 1) / size) + 1;

    private long IndexOf(long row)
    {
        long inMatrix = row % _rows;
        return (row / _rows * _gridRows) + (_groupRows == QuantisationScheme.All ? 0 : inMatrix / _groupRows);
    }
}
