using Moesaic.Interop;
using Moesaic.Models.Checkpoints;
using Moesaic.Models.Decoder;

namespace Moesaic.Models.Export;

/// <summary>Rows of a tensor to be written, as float32, from wherever the checkpoint stores them.</summary>
internal sealed class TensorRows
{
    private readonly ExportTensor _tensor;
    private readonly CheckpointTensor[] _stored;
    private readonly MatrixSlice?[] _slices;
    private readonly long _rowsOfExpert;

    /// <exception cref="ModelFormatException">A stored tensor is missing, has another shape, or a type that cannot be converted.</exception>
    public TensorRows(ExportTensor tensor, ICheckpoint checkpoint)
    {
        _tensor = tensor;
        if (tensor.Matrix is { } matrix)
        {
            _slices = matrix.Slices.All(slice => !slice.Transposed)
                ? [.. matrix.Slices]
                : throw new ModelFormatException(checkpoint.Path, matrix.Name, "it is stored input-major, which is not written as GGUF yet.");
            _stored = [.. matrix.Slices.Select(slice => Find(checkpoint, slice.Tensor, slice.TensorShape))];
            _rowsOfExpert = matrix.Rows;
        }
        else if (tensor.Vector is { } vector)
        {
            _slices = [null];
            _stored = [Find(checkpoint, vector.Tensor, vector.TensorShape)];
        }
        else
        {
            _slices = [];
            _stored = [];
        }
    }

    /// <summary>How the values are stored; null where they are not.</summary>
    public ElementFormat? StoredFormat => _stored.Length == 0 ? null : _stored[0].Format;

    /// <summary>Says that the values will not be read again soon.</summary>
    public void Release()
    {
        foreach (CheckpointTensor stored in _stored)
        {
            stored.Release();
        }
    }

    /// <param name="row">Row of the file's tensor, over all experts.</param>
    /// <param name="values">[columns].</param>
    /// <exception cref="ModelFormatException">A value is not finite.</exception>
    public void Read(long row, Span<float> values)
    {
        if (_tensor.Vector is { } vector)
        {
            ReadVector(vector, values);
        }
        else if (_tensor.Matrix is null)
        {
            _tensor.Values.CopyTo(values);
        }
        else
        {
            ReadRow(row / _rowsOfExpert, _tensor.SourceRow(row % _rowsOfExpert), values);
        }

        foreach (float value in values)
        {
            if (!float.IsFinite(value))
            {
                throw new ModelFormatException(_stored[0].File.Path, _stored[0].Name, $"row {row} holds {value}, which no quantised type can; expected finite values.");
            }
        }
    }

    private void ReadRow(long expert, long row, Span<float> values)
    {
        for (int i = 0; i < _slices.Length; i++)
        {
            MatrixSlice slice = _slices[i]!;
            if (slice.Expert == expert && row >= slice.TargetRow && row < slice.TargetRow + slice.NumRows)
            {
                Dequantise(_stored[i], (slice.SourceRow + ((row - slice.TargetRow) * slice.SourceStep)) * values.Length, values);
                return;
            }
        }

        throw new InvalidOperationException($"No slice of {_tensor.Name} holds row {row} of expert {expert}.");
    }

    private void ReadVector(VectorSource vector, Span<float> values)
    {
        float[] stored = new float[values.Length];
        Dequantise(_stored[0], vector.Offset, stored);
        for (int i = 0; i < stored.Length; i++)
        {
            values[i] = stored[_tensor.SourceRow(i)] + vector.Add;
        }
    }

    private static unsafe void Dequantise(CheckpointTensor stored, long element, Span<float> values)
    {
        int bytes = stored.Format == ElementFormat.F32 ? 4 : 2;
        Dequantizer.Dequantize((TensorFormat)stored.Format, new ReadOnlySpan<byte>((void*)(stored.Pointer + (nint)(element * bytes)), values.Length * bytes), values);
    }

    private static CheckpointTensor Find(ICheckpoint checkpoint, string name, IReadOnlyList<long> shape)
    {
        CheckpointTensor tensor = checkpoint.GetTensor(name);
        if (tensor.Format is not (ElementFormat.F32 or ElementFormat.F16 or ElementFormat.BF16))
        {
            throw new ModelFormatException(tensor.File.Path, name, $"its type is {ElementFormats.NameOf(tensor.Format)}; only F32, F16 and BF16 are quantised: take the checkpoint that is not quantised yet.");
        }

        return tensor.Shape.AsSpan().SequenceEqual([.. shape])
            ? tensor
            : throw new ModelFormatException(tensor.File.Path, name, $"its shape is [{string.Join(", ", tensor.Shape)}]; expected [{string.Join(", ", shape)}].");
    }
}
