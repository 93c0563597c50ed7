using Moesaic.Models.Checkpoints;
using Moesaic.Models.Configurations;

namespace Moesaic.Models.Decoder;

/// <summary>Signed zero points stored as [stack, row groups, column groups] bytes.</summary>
internal sealed class ZeroGrid
{
    private readonly CheckpointTensor _tensor;
    private readonly long _rows;
    private readonly long _gridRows;
    private readonly int _groupRows;
    private readonly int _numGroups;

    /// <exception cref="ModelFormatException">The tensor has another type or shape.</exception>
    public ZeroGrid(CheckpointTensor tensor, string owner, ReadOnlySpan<long> shape, QuantisationScheme scheme)
    {
        _tensor = tensor;
        _rows = shape[^2];
        _groupRows = scheme.GroupRows;
        _gridRows = ScaleGrid.Groups(_rows, scheme.GroupRows);
        _numGroups = checked((int)ScaleGrid.Groups(shape[^1], scheme.GroupColumns));
        long[] expected = [.. shape[..^2], _gridRows, _numGroups];
        if (tensor.Format != ElementFormat.I8 || !tensor.Shape.Where(d => d != 1).SequenceEqual(expected.Where(d => d != 1)))
        {
            throw new ModelFormatException(tensor.File.Path, tensor.Name, $"it is {tensor}; expected I8 zero points [{string.Join(", ", expected)}] for {owner}.");
        }
    }

    /// <summary>[rows, groups].</summary>
    public void Read(long firstRow, long numRows, Span<short> target)
    {
        for (int i = 0; i < numRows; i++)
        {
            long row = firstRow + i;
            long index = (row / _rows * _gridRows) + (_groupRows == QuantisationScheme.All ? 0 : row % _rows / _groupRows);
            ReadOnlySpan<byte> stored = StoredNumbers.Bytes(_tensor, index * _numGroups, _numGroups);
            for (int g = 0; g < _numGroups; g++)
            {
                target[(i * _numGroups) + g] = (sbyte)stored[g];
            }
        }
    }
}
