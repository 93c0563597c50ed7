using Moesaic.Models.Checkpoints;
using Moesaic.Models.Decoder;

namespace Moesaic.Models.Export;

/// <summary>Rows of a tensor to be written, as float32, from wherever and however the checkpoint stores them. Thread-safe.</summary>
internal sealed class TensorRows
{
    private readonly ExportTensor _tensor;
    private readonly PlannedMatrix? _matrix;
    private readonly CheckpointTensor? _vector;
    private readonly float[] _values;

    // Indices of the slices of each expert.
    private readonly int[][] _slices = [];

    /// <exception cref="ModelFormatException">A stored tensor is missing, has another shape, or a type that cannot be converted.</exception>
    public TensorRows(ExportTensor tensor, ICheckpoint checkpoint, QuantisedMatrices quantised)
    {
        _tensor = tensor;
        _values = tensor.Values;
        if (tensor.Matrix is { } matrix)
        {
            _matrix = LoadPlan.Match(matrix, checkpoint, quantised, []);
            _slices = [.. Enumerable.Range(0, matrix.Slices.Length).GroupBy(i => matrix.Slices[i].Expert).OrderBy(g => g.Key).Select(g => g.ToArray())];
        }
        else if (tensor.Vector is { } vector)
        {
            _vector = LoadPlan.Match(vector, checkpoint, []);
            float[] stored = new float[vector.Length];
            VectorReader.Read(vector, _vector, stored);
            _values = [.. Enumerable.Range(0, stored.Length).Select(i => stored[tensor.SourceRow(i)])];
        }
    }

    /// <summary>How the values are stored, in words; null where they are not.</summary>
    public string? StoredKind => _matrix?.Kind ?? (_vector is null ? null : ElementFormats.NameOf(_vector.Format));

    /// <summary>The type of blocks in which the checkpoint stores the matrix, bit for bit; null: none. A factor beside NVFP4's blocks is no part of them.</summary>
    public ElementFormat? Blocks => _tensor.Interleave is null && _matrix is { Blocks: ElementFormat.MXFP4 and { } blocks } ? blocks : null;

    /// <summary>Says that the values will not be read again soon.</summary>
    public void Release()
    {
        foreach (CheckpointTensor stored in (_matrix?.Tensors ?? []).Concat(_matrix?.Quantised.SelectMany(q => q?.Tensors ?? []) ?? []).Distinct())
        {
            stored.Release();
        }
    }

    /// <param name="row">First row of the file's tensor, over all experts.</param>
    /// <param name="numRows">Number of rows.</param>
    /// <param name="values">[numRows, columns].</param>
    /// <param name="scratch">The calling thread's memory.</param>
    /// <exception cref="ModelFormatException">A value is not finite, or damaged.</exception>
    public void Read(long row, long numRows, Span<float> values, LoadScratch scratch)
    {
        if (_matrix is null)
        {
            _values.AsSpan(checked((int)(row * _tensor.Cols)), values.Length).CopyTo(values);
        }
        else
        {
            int cols = checked((int)_tensor.Cols);
            foreach ((int slice, long first, long at, long count) in Runs(row, numRows))
            {
                SliceRows.Read(_matrix.Tensors[slice], _matrix.QuantisedOf(slice), _matrix.Source.Slices[slice], first, count, values.Slice(checked((int)at * cols), (int)count * cols), scratch);
            }
        }

        int wrong = values.IndexOfAnyExceptInRange(float.MinValue, float.MaxValue);
        if (wrong >= 0)
        {
            CheckpointTensor? stored = _matrix?.Tensors[0] ?? _vector;
            throw new ModelFormatException(stored?.File.Path ?? "", stored?.Name ?? _tensor.Name, $"row {row + (wrong / _tensor.Cols)} holds {values[wrong]}, which no quantised type can; expected finite values.");
        }
    }

    /// <summary>Rows as <see cref="Blocks"/>.</summary>
    public void ReadBlocks(long row, long numRows, Span<byte> blocks)
    {
        int rowBytes = checked((int)(blocks.Length / numRows));
        foreach ((int index, long first, long at, long count) in Runs(row, numRows))
        {
            MatrixSlice slice = _matrix!.Source.Slices[index];
            ((BlockMatrix)_matrix.QuantisedOf(index)!).Assemble(
                SliceRows.FirstLogicalRow(slice) + (first * slice.SourceStep), slice.SourceStep, count, blocks.Slice(checked((int)at * rowBytes), (int)count * rowBytes));
        }
    }

    // Rows of one slice that follow one another: the slice, its first row taken, their place among those asked for, and their number.
    private IEnumerable<(int Slice, long First, long At, long Count)> Runs(long row, long numRows)
    {
        long rowsOfExpert = _matrix!.Source.Rows;
        for (long at = 0, count; at < numRows; at += count)
        {
            long inside = _tensor.SourceRow((row + at) % rowsOfExpert);
            int index = _slices[(row + at) / rowsOfExpert].First(i => Holds(_matrix.Source.Slices[i], inside));
            MatrixSlice slice = _matrix.Source.Slices[index];
            count = _tensor.Interleave is null ? Math.Min(numRows - at, slice.TargetRow + slice.NumRows - inside) : 1;
            yield return (index, inside - slice.TargetRow, at, count);
        }
    }

    private static bool Holds(MatrixSlice slice, long row) => row >= slice.TargetRow && row < slice.TargetRow + slice.NumRows;
}
