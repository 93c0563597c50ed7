using System.Collections.Immutable;
using Moesaic.Interop;
using Moesaic.Models.Checkpoints;

namespace Moesaic.Models.Decoder;

/// <summary>
/// Unsigned codes with a scale and a zero point for each row and group of columns: w = (code - zero) * scale, one rounding in
/// float32. The columns of a group may lie anywhere (activation order).
/// </summary>
internal abstract class IntegerMatrix : QuantisedMatrix
{
    private readonly Lazy<ColumnGroups> _groups;

    /// <param name="kind">How it is stored.</param>
    /// <param name="cols">Columns.</param>
    /// <param name="numGroups">Groups of columns.</param>
    /// <param name="groupColumns">Columns of a group where they follow one another; 0: all.</param>
    /// <param name="groupOfColumn">[cols] int32; null where the columns follow one another.</param>
    /// <param name="tensors">As for the base.</param>
    /// <param name="bits">Bits of a code.</param>
    protected IntegerMatrix(string kind, int bits, long cols, int numGroups, int groupColumns, CheckpointTensor? groupOfColumn, ImmutableArray<CheckpointTensor> tensors)
        : base(kind, cols, tensors)
    {
        NumGroups = numGroups;
        Bits = bits;
        _groups = new Lazy<ColumnGroups>(() => ColumnGroups.Read(groupOfColumn, checked((int)cols), numGroups, groupColumns == 0 ? checked((int)cols) : groupColumns));
    }

    protected int NumGroups { get; }

    protected int Bits { get; }

    /// <summary>Which column belongs to which group.</summary>
    /// <exception cref="ModelFormatException">The stored indices are damaged.</exception>
    public ColumnGroups Groups => _groups.Value;

    public override WeightForm? Form => WeightForm.AreGroupsUsable(Groups.Columns, Cols, 32)
        ? new WeightForm(Bits <= 4 ? TensorFormat.U4 : TensorFormat.I8, Math.Min(Groups.Columns, Cols), HasZeroPoints: true)
        : null;

    public override int[]? Permutation => Groups.Permutation;

    public override unsafe void Fill(Weight weight, long expert, long rowBegin, long firstRow, long numRows, LoadScratch scratch)
    {
        Span<byte> codes = scratch.Codes(numRows * Cols);
        Span<float> scales = scratch.Scales(numRows * NumGroups);
        Span<short> zeros = scratch.Zeros(numRows * NumGroups);
        ReadCodes(firstRow, (int)numRows, codes);
        ReadScales(firstRow, (int)numRows, scales);
        ReadZeros(firstRow, (int)numRows, zeros);
        bool nibbles = Bits <= 4;
        long rowBytes = nibbles ? Cols / 2 : Cols;
        Span<byte> rows = scratch.Bytes(numRows * rowBytes);
        CodePacking.Pack(codes, Permutation, checked((int)Cols), nibbles, rows);
        if (!nibbles)
        {
            // Signed bytes, and their zero points.
            foreach (ref short zero in zeros)
            {
                zero -= CodePacking.SignedOffset;
            }
        }

        fixed (byte* source = rows)
        fixed (float* scalesOfRows = scales)
        fixed (short* zerosOfRows = zeros)
        fixed (int* permutation = Permutation)
        {
            weight.Load(new WeightSlice
            {
                Expert = expert,
                RowBegin = rowBegin,
                NumRows = numRows,
                Source = (nint)source,
                SourceRowBytes = rowBytes,
                Scales = (nint)scalesOfRows,
                ZeroPoints = (nint)zerosOfRows,
                Permutation = (nint)permutation,
            });
        }
    }

    public override void Expand(long firstRow, long numRows, Span<float> target, LoadScratch scratch)
    {
        int width = checked((int)Cols);
        ReadOnlySpan<int> groups = Groups.OfColumn;
        Span<byte> codes = scratch.Codes(numRows * Cols);
        Span<float> scales = scratch.Scales(numRows * NumGroups);
        Span<short> zeros = scratch.Zeros(numRows * NumGroups);
        ReadCodes(firstRow, (int)numRows, codes);
        ReadScales(firstRow, (int)numRows, scales);
        ReadZeros(firstRow, (int)numRows, zeros);
        for (int i = 0; i < numRows; i++)
        {
            ReadOnlySpan<byte> row = codes.Slice(i * width, width);
            ReadOnlySpan<float> rowScales = scales.Slice(i * NumGroups, NumGroups);
            ReadOnlySpan<short> rowZeros = zeros.Slice(i * NumGroups, NumGroups);
            Span<float> values = target.Slice(i * width, width);
            for (int k = 0; k < width; k++)
            {
                int group = groups[k];
                values[k] = (row[k] - rowZeros[group]) * rowScales[group];
            }
        }
    }

    /// <summary>[numRows, cols] codes of rows that follow one another, columns as stored.</summary>
    protected abstract void ReadCodes(long firstRow, int numRows, Span<byte> target);

    /// <summary>[numRows, groups].</summary>
    protected abstract void ReadScales(long firstRow, int numRows, Span<float> target);

    /// <summary>[numRows, groups], in the scale of the codes.</summary>
    protected abstract void ReadZeros(long firstRow, int numRows, Span<short> target);
}
