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
        ? (SliceRows.FirstLogicalRow(Slice) + (FirstRow * Slice.SourceStep)) * RowBytes
        : Slice.Transposed
        ? ((Slice.SourceRow * Slice.TensorShape[^1]) + Slice.SourceColumn + (FirstRow * Slice.SourceStep)) * TransposedRows.ElementBytes(Tensor.Format)
        : (Slice.SourceRow + (FirstRow * Slice.SourceStep)) * RowBytes;

    public long FileOffset => Tensor.Offset + TensorOffset;

    /// <summary>Fills the rows. <paramref name="scratch"/> holds an expanded chunk; it is the caller's own.</summary>
    public void Load(LoadScratch scratch)
    {
        if (Expand)
        {
            Span<float> values = scratch.Values(NumRows * Cols);
            SliceRows.Read(Tensor, Quantised, Slice, FirstRow, NumRows, values, scratch);
            FillExpanded(values);
        }
        else if (Slice.Turned)
        {
            LoadTransposed(1, scratch);
        }
        else if (Quantised is not null)
        {
            LoadQuantised(Quantised, scratch);
        }
        else if (Slice.Transposed)
        {
            LoadTransposed(Slice.SourceStep, scratch);
        }
        else
        {
            Fill(Tensor.Pointer + (nint)TensorOffset, RowBytes * Slice.SourceStep, Factor);
        }
    }

    // Of a turned slice a chunk is the whole: its stored rows are the columns of all the rows to fill.
    private unsafe void LoadTransposed(long step, LoadScratch scratch)
    {
        int elementBytes = TransposedRows.ElementBytes(Tensor.Format);
        Span<byte> rows = scratch.Bytes(NumRows * Cols * elementBytes);
        TransposedRows.Gather(Tensor.Pointer + (nint)TensorOffset, Slice.TensorShape[^1], step, (int)NumRows, (int)Cols, elementBytes, rows);
        fixed (byte* first = rows)
        {
            Fill((nint)first, Cols * elementBytes);
        }
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

    private void LoadQuantised(QuantisedMatrix quantised, LoadScratch scratch)
    {
        long first = SliceRows.FirstLogicalRow(Slice) + (FirstRow * Slice.SourceStep);
        if (quantised is BlockMatrix blocks)
        {
            FillBlocks(blocks, first, scratch);
            return;
        }

        long target = Slice.TargetRow + FirstRow;
        for (long done = 0, count = Slice.SourceStep == 1 ? NumRows : 1; done < NumRows; done += count)
        {
            quantised.Fill(Weight, Slice.Expert, target + done, first + (done * Slice.SourceStep), count, scratch);
        }
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
