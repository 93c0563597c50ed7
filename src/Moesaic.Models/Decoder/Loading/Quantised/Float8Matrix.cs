using Moesaic.Interop;
using Moesaic.Models.Checkpoints;

namespace Moesaic.Models.Decoder;

/// <summary>E4M3 bytes with multipliers: w = e4m3 * scale, one rounding in float32.</summary>
internal sealed class Float8Matrix(string kind, long cols, CheckpointTensor codes, CheckpointTensor scales, ScaleGrid grid, int groupColumns)
    : QuantisedMatrix(kind, cols, [codes, scales])
{
    private static readonly float[] s_values = [.. Enumerable.Range(0, 256).Select(ValueOf)];

    public override long RowBytes => Cols;

    public override WeightForm? Form =>
        WeightForm.AreGroupsUsable(GroupWidth, Cols, 4) ? new WeightForm(TensorFormat.F8_E4M3, GroupWidth) : null;

    private long GroupWidth => groupColumns == 0 ? Cols : groupColumns;

    public override unsafe void Fill(Weight weight, long expert, long rowBegin, long firstRow, long numRows, LoadScratch scratch)
    {
        Span<float> rowScales = scratch.Scales(numRows * grid.NumGroups);
        grid.Read(firstRow, numRows, rowScales);
        for (long row = firstRow; row < firstRow + numRows; row++)
        {
            ReadRow(row);
        }

        fixed (float* scalesOfRows = rowScales)
        {
            weight.Load(new WeightSlice
            {
                Expert = expert,
                RowBegin = rowBegin,
                NumRows = numRows,
                Source = Tensors[0].Pointer + (nint)(firstRow * Cols),
                SourceRowBytes = Cols,
                Scales = (nint)scalesOfRows,
            });
        }
    }

    public override void Expand(long firstRow, long numRows, Span<float> target, LoadScratch scratch)
    {
        int width = checked((int)Cols);
        int step = groupColumns == 0 ? width : groupColumns;
        Span<float> rowScales = scratch.Scales(numRows * grid.NumGroups);
        grid.Read(firstRow, numRows, rowScales);
        for (int i = 0; i < numRows; i++)
        {
            ReadOnlySpan<byte> row = ReadRow(firstRow + i);
            Span<float> values = target.Slice(i * width, width);
            ReadOnlySpan<float> own = rowScales.Slice(i * grid.NumGroups, grid.NumGroups);
            for (int begin = 0, group = 0; begin < width; begin += step, group++)
            {
                int end = Math.Min(begin + step, width);
                float scale = own[group];
                for (int k = begin; k < end; k++)
                {
                    values[k] = s_values[row[k]] * scale;
                }
            }
        }
    }

    private ReadOnlySpan<byte> ReadRow(long row)
    {
        CheckpointTensor tensor = Tensors[0];
        ReadOnlySpan<byte> bytes = StoredNumbers.Bytes(tensor, row * Cols, Cols);
        int damaged = bytes.IndexOfAny((byte)0x7F, (byte)0xFF);
        return damaged < 0 ? bytes : throw new ModelFormatException(tensor.File.Path, tensor.Name, $"element {damaged} of row {row} is not a number; expected E4M3 values. The file is damaged.");
    }

    // Sign, 4 bits of exponent with bias 7, 3 of mantissa; no infinities, and all ones is no number (OCP 8-bit floats, 2023).
    private static float ValueOf(int code)
    {
        int exponent = code >> 3 & 15;
        int mantissa = code & 7;
        double magnitude = exponent == 0 ? mantissa * Math.ScaleB(1, -9) : (8 + mantissa) * Math.ScaleB(1, exponent - 10);
        return (float)((code & 127) == 127 ? double.NaN : (code & 128) != 0 ? -magnitude : magnitude);
    }
}
