using System.Buffers;
using System.Runtime.InteropServices;
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
/// <param name="Factor">What values are multiplied with.</param>
/// <param name="Quantised">Reads rows whose codes and scales are stored apart; null: the tensor's own format says all.</param>
internal readonly record struct LoadChunk(Weight Weight, CheckpointTensor Tensor, MatrixSlice Slice, long Cols, long FirstRow, long NumRows, bool Expand, float Factor = 1, QuantisedMatrix? Quantised = null)
{
    public long RowBytes => Quantised?.RowBytes ?? PlannedMatrix.RowBytes(Tensor, Slice.Turned ? Slice.TensorShape[^1] : Cols);

    public long Bytes => (Slice.Turned ? Cols : NumRows) * RowBytes;

    /// <summary>Offset of the first row within the tensor's data.</summary>
    public long TensorOffset => Quantised is not null
        ? (FirstLogicalRow + (FirstRow * Slice.SourceStep)) * RowBytes
        : Slice.Transposed
        ? ((Slice.SourceRow * Slice.TensorShape[^1]) + Slice.SourceColumn + (FirstRow * Slice.SourceStep)) * TransposedRows.ElementBytes(Tensor.Format)
        : (Slice.SourceRow + (FirstRow * Slice.SourceStep)) * RowBytes;

    public long FileOffset => Tensor.Offset + TensorOffset;

    /// <summary>Fills the rows. <paramref name="scratch"/> holds an expanded chunk; it is the caller's own.</summary>
    public unsafe void Load(LoadScratch scratch)
    {
        if (Slice.Turned)
        {
            LoadTurned(scratch);
            return;
        }

        if (Quantised is not null)
        {
            LoadQuantised(Quantised, scratch);
            return;
        }

        nint source = Tensor.Pointer + (nint)TensorOffset;
        if (Slice.Transposed)
        {
            LoadTransposed(source, scratch);
            return;
        }

        if (!Expand)
        {
            Fill(source, RowBytes * Slice.SourceStep, Factor);
            return;
        }

        Span<float> values = scratch.Values(NumRows * Cols);
        int cols = (int)Cols;
        for (int row = 0; row < NumRows; row++)
        {
            ReadOnlySpan<byte> stored = new((void*)(source + (nint)(row * RowBytes * Slice.SourceStep)), (int)RowBytes);
            Dequantizer.Dequantize((TensorFormat)Tensor.Format, stored, values.Slice(row * cols, cols));
        }

        FillExpanded(values);
    }

    private unsafe void LoadTransposed(nint source, LoadScratch scratch)
    {
        int rowBytes = (int)RowBytes;
        byte[] rows = ArrayPool<byte>.Shared.Rent(checked((int)NumRows * rowBytes));
        try
        {
            TransposedRows.Gather(source, Slice.TensorShape[^1], Slice.SourceStep, (int)NumRows, (int)Cols, TransposedRows.ElementBytes(Tensor.Format), rows);
            if (Expand)
            {
                Span<float> values = scratch.Values(NumRows * Cols);
                Dequantizer.Dequantize((TensorFormat)Tensor.Format, rows.AsSpan(0, (int)NumRows * rowBytes), values);
                FillExpanded(values);
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

    // A chunk is a whole slice: its stored rows are the columns of all the rows to fill.
    private unsafe void LoadTurned(LoadScratch scratch)
    {
        int storedCols = checked((int)Slice.TensorShape[^1]);
        if (!Expand)
        {
            int elementBytes = TransposedRows.ElementBytes(Tensor.Format);
            Span<byte> rows = scratch.Bytes(NumRows * Cols * elementBytes);
            TransposedRows.Gather(Tensor.Pointer + (nint)TensorOffset, storedCols, 1, (int)NumRows, (int)Cols, elementBytes, rows);
            fixed (byte* first = rows)
            {
                Fill((nint)first, Cols * elementBytes);
            }

            return;
        }

        Span<float> values = scratch.Values(Cols * storedCols);
        if (Quantised is not null)
        {
            Quantised.Expand(Slice.SourceRow, Cols, values, scratch);
        }
        else
        {
            nint source = Tensor.Pointer + (nint)TensorOffset;
            for (int row = 0; row < Cols; row++)
            {
                ReadOnlySpan<byte> stored = new((void*)(source + (nint)(row * RowBytes)), (int)RowBytes);
                Dequantizer.Dequantize((TensorFormat)Tensor.Format, stored, values.Slice(row * storedCols, storedCols));
            }
        }

        Span<byte> turned = scratch.Bytes(NumRows * Cols * sizeof(float));
        fixed (float* first = values)
        {
            TransposedRows.Gather((nint)first, storedCols, 1, (int)NumRows, (int)Cols, sizeof(float), turned);
        }

        FillExpanded(MemoryMarshal.Cast<byte, float>(turned));
    }

    private unsafe void FillExpanded(Span<float> values)
    {
        if (Factor != 1)
        {
            foreach (ref float value in values)
            {
                value *= Factor;
            }
        }

        fixed (float* expanded = values)
        {
            Fill((nint)expanded, Cols * sizeof(float));
        }
    }

    /// <summary>The rows will be read soon.</summary>
    public void Expect()
    {
        if (RowsAreContiguous)
        {
            Tensor.File.Mapping.Expect(FileOffset, Bytes);
        }
    }

    /// <summary>The rows will not be read again by this weight.</summary>
    public void Release()
    {
        if (RowsAreContiguous)
        {
            Tensor.File.Mapping.Release(FileOffset, Bytes);
        }
    }

    private bool RowsAreContiguous => Slice is { SourceStep: 1, Turned: false } && (Quantised?.RowsAreContiguous ?? !Slice.Transposed);

    // Quantised forms hold rows of the logical matrix, also of those that are stored transposed in full precision.
    private long FirstLogicalRow => Slice.Transposed
        ? (Slice.SourceRow / Slice.TensorShape[^2] * Slice.TensorShape[^1]) + Slice.SourceColumn
        : Slice.SourceRow;

    private void LoadQuantised(QuantisedMatrix quantised, LoadScratch scratch)
    {
        int cols = (int)Cols;
        long first = FirstLogicalRow + (FirstRow * Slice.SourceStep);
        if (!Expand && quantised is BlockMatrix blocks)
        {
            FillBlocks(blocks, first, scratch);
            return;
        }

        long target = Slice.TargetRow + FirstRow;
        if (!Expand)
        {
            for (long done = 0, count = Slice.SourceStep == 1 ? NumRows : 1; done < NumRows; done += count)
            {
                quantised.Fill(Weight, Slice.Expert, target + done, first + (done * Slice.SourceStep), count, scratch);
            }

            return;
        }

        Span<float> values = scratch.Values(NumRows * Cols);
        if (Slice.SourceStep == 1)
        {
            quantised.Expand(first, NumRows, values, scratch);
        }
        else
        {
            for (int row = 0; row < NumRows; row++)
            {
                quantised.Expand(first + (row * Slice.SourceStep), 1, values.Slice(row * cols, cols), scratch);
            }
        }

        FillExpanded(values);
    }

    private unsafe void FillBlocks(BlockMatrix quantised, long firstRow, LoadScratch scratch)
    {
        Span<byte> blocks = scratch.Bytes(NumRows * quantised.BlockRowBytes);
        quantised.Assemble(firstRow, Slice.SourceStep, NumRows, blocks);
        fixed (byte* first = blocks)
        {
            Fill((nint)first, quantised.BlockRowBytes, quantised.FactorOf(firstRow));
        }
    }

    private void Fill(nint source, long sourceRowBytes, float factor = 1) => Weight.Load(new WeightSlice
    {
        Expert = Slice.Expert,
        RowBegin = Slice.TargetRow + FirstRow,
        NumRows = NumRows,
        Source = source,
        SourceRowBytes = sourceRowBytes,
        Factor = factor == 1 ? 0 : factor,
    });
}
