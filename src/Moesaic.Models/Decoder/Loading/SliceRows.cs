using System.Runtime.InteropServices;
using Moesaic.Interop;
using Moesaic.Models.Checkpoints;

namespace Moesaic.Models.Decoder;

/// <summary>Rows of a slice as float32, exactly, however they are stored.</summary>
internal static class SliceRows
{
    /// <param name="tensor">Where the rows are stored.</param>
    /// <param name="quantised">Reads rows whose codes and scales are stored apart; null: the tensor's own format says all.</param>
    /// <param name="slice">The slice.</param>
    /// <param name="firstRow">First row, counted from the slice's first.</param>
    /// <param name="numRows">Number of rows.</param>
    /// <param name="target">[numRows, columns].</param>
    /// <param name="scratch">The calling thread's memory; <see cref="LoadScratch.Values"/> may be the target.</param>
    /// <exception cref="ModelFormatException">A stored value is damaged.</exception>
    public static void Read(CheckpointTensor tensor, QuantisedMatrix? quantised, MatrixSlice slice, long firstRow, long numRows, Span<float> target, LoadScratch scratch)
    {
        int cols = checked((int)(target.Length / numRows));
        if (slice.Turned)
        {
            ReadTurned(tensor, quantised, slice, firstRow, (int)numRows, cols, target, scratch);
        }
        else if (quantised is null && slice.Transposed)
        {
            ReadTransposed(tensor, slice, firstRow, (int)numRows, cols, target, scratch);
        }
        else
        {
            ReadRows(tensor, quantised, FirstLogicalRow(slice) + (firstRow * slice.SourceStep), slice.SourceStep, cols, target, scratch);
        }
    }

    /// <summary>The first row taken. Quantised forms hold rows of the logical matrix, also of those that are stored transposed in full precision.</summary>
    public static long FirstLogicalRow(MatrixSlice slice) => slice.Transposed
        ? (slice.SourceRow / slice.TensorShape[^2] * slice.TensorShape[^1]) + slice.SourceColumn
        : slice.SourceRow;

    private static unsafe void ReadRows(CheckpointTensor tensor, QuantisedMatrix? quantised, long first, long step, int cols, Span<float> target, LoadScratch scratch)
    {
        if (quantised is not null && step == 1)
        {
            quantised.Expand(first, target.Length / cols, target, scratch);
            return;
        }

        long rowBytes = quantised is null ? PlannedMatrix.RowBytes(tensor, cols) : 0;
        for (int at = 0; at < target.Length; at += cols, first += step)
        {
            Span<float> row = target.Slice(at, cols);
            if (quantised is not null)
            {
                quantised.Expand(first, 1, row, scratch);
            }
            else
            {
                Dequantizer.Dequantize((TensorFormat)tensor.Format, new ReadOnlySpan<byte>((void*)(tensor.Pointer + (nint)(first * rowBytes)), checked((int)rowBytes)), row);
            }
        }
    }

    private static void ReadTransposed(CheckpointTensor tensor, MatrixSlice slice, long firstRow, int numRows, int cols, Span<float> target, LoadScratch scratch)
    {
        int elementBytes = TransposedRows.ElementBytes(tensor.Format);
        long first = (slice.SourceRow * slice.TensorShape[^1]) + slice.SourceColumn + (firstRow * slice.SourceStep);
        Span<byte> rows = scratch.Bytes((long)numRows * cols * elementBytes);
        TransposedRows.Gather(tensor.Pointer + (nint)(first * elementBytes), slice.TensorShape[^1], slice.SourceStep, numRows, cols, elementBytes, rows);
        Dequantizer.Dequantize((TensorFormat)tensor.Format, rows, target);
    }

    // The rows are columns of all the stored rows.
    private static unsafe void ReadTurned(CheckpointTensor tensor, QuantisedMatrix? quantised, MatrixSlice slice, long firstRow, int numRows, int cols, Span<float> target, LoadScratch scratch)
    {
        int storedCols = checked((int)slice.TensorShape[^1]);
        Span<float> stored = scratch.Stored((long)cols * storedCols);
        ReadRows(tensor, quantised, slice.SourceRow, 1, storedCols, stored, scratch);
        fixed (float* first = stored)
        {
            TransposedRows.Gather((nint)(first + firstRow), storedCols, 1, numRows, cols, sizeof(float), MemoryMarshal.AsBytes(target));
        }
    }
}
