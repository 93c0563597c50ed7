using System.Buffers;
using Moesaic.Interop;
using Moesaic.Models.Checkpoints;

namespace Moesaic.Models.Decoder;

/// <summary>Some consecutive rows of one slice of a weight: the unit of work of the loading threads.</summary>
/// <param name="Weight">The weight to fill.</param>
/// <param name="Tensor">Where the rows are stored.</param>
/// <param name="Slice">The slice that they belong to.</param>
/// <param name="Cols">Elements of a row.</param>
/// <param name="FirstRow">First row, counted from the slice's first.</param>
/// <param name="NumRows">Number of rows.</param>
/// <param name="Expand">Whether the rows are brought to float32 first.</param>
/// <param name="Factor">What expanded values are multiplied with.</param>
internal readonly record struct LoadChunk(Weight Weight, CheckpointTensor Tensor, MatrixSlice Slice, long Cols, long FirstRow, long NumRows, bool Expand, float Factor = 1)
{
    public long RowBytes => PlannedMatrix.RowBytes(Tensor, Cols);

    public long Bytes => NumRows * RowBytes;

    /// <summary>Offset of the first row within the tensor's data.</summary>
    public long TensorOffset => Slice.Transposed
        ? ((Slice.SourceRow * Slice.TensorShape[^1]) + Slice.SourceColumn + (FirstRow * Slice.SourceStep)) * TransposedRows.ElementBytes(Tensor.Format)
        : (Slice.SourceRow + (FirstRow * Slice.SourceStep)) * RowBytes;

    public long FileOffset => Tensor.Offset + TensorOffset;

    /// <summary>Fills the rows. <paramref name="scratch"/> holds an expanded chunk; it grows as needed and is the caller's own.</summary>
    public unsafe void Load(ref float[] scratch)
    {
        nint source = Tensor.Pointer + (nint)TensorOffset;
        if (Slice.Transposed)
        {
            LoadTransposed(source, ref scratch);
            return;
        }

        if (!Expand)
        {
            Fill(source, RowBytes * Slice.SourceStep);
            return;
        }

        int count = checked((int)(NumRows * Cols));
        if (scratch.Length < count)
        {
            scratch = GC.AllocateUninitializedArray<float>(count);
        }

        int cols = (int)Cols;
        for (int row = 0; row < NumRows; row++)
        {
            ReadOnlySpan<byte> stored = new((void*)(source + (nint)(row * RowBytes * Slice.SourceStep)), (int)RowBytes);
            Dequantizer.Dequantize((TensorFormat)Tensor.Format, stored, scratch.AsSpan(row * cols, cols));
        }

        FillExpanded(scratch);
    }

    private unsafe void LoadTransposed(nint source, ref float[] scratch)
    {
        int rowBytes = (int)RowBytes;
        byte[] rows = ArrayPool<byte>.Shared.Rent(checked((int)NumRows * rowBytes));
        try
        {
            TransposedRows.Gather(source, Slice.TensorShape[^1], Slice.SourceStep, (int)NumRows, (int)Cols, TransposedRows.ElementBytes(Tensor.Format), rows);
            if (Expand)
            {
                int count = checked((int)(NumRows * Cols));
                if (scratch.Length < count)
                {
                    scratch = GC.AllocateUninitializedArray<float>(count);
                }

                Dequantizer.Dequantize((TensorFormat)Tensor.Format, rows.AsSpan(0, (int)NumRows * rowBytes), scratch.AsSpan(0, count));
                FillExpanded(scratch);
                return;
            }

            fixed (byte* first = rows)
            {
                Fill((nint)first, rowBytes);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rows);
        }
    }

    private unsafe void FillExpanded(float[] scratch)
    {
        int count = checked((int)(NumRows * Cols));
        if (Factor != 1)
        {
            foreach (ref float value in scratch.AsSpan(0, count))
            {
                value *= Factor;
            }
        }

        fixed (float* expanded = scratch)
        {
            Fill((nint)expanded, Cols * sizeof(float));
        }
    }

    /// <summary>The rows will be read soon.</summary>
    public void Expect()
    {
        if (Slice.SourceStep == 1 && !Slice.Transposed)
        {
            Tensor.File.Mapping.Expect(FileOffset, Bytes);
        }
    }

    /// <summary>The rows will not be read again by this weight.</summary>
    public void Release()
    {
        if (Slice.SourceStep == 1 && !Slice.Transposed)
        {
            Tensor.File.Mapping.Release(FileOffset, Bytes);
        }
    }

    private void Fill(nint source, long sourceRowBytes) => Weight.Load(new WeightSlice
    {
        Expert = Slice.Expert,
        RowBegin = Slice.TargetRow + FirstRow,
        NumRows = NumRows,
        Source = source,
        SourceRowBytes = sourceRowBytes,
    });
}
