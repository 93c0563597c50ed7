using System.Buffers.Binary;
using System.Collections.Immutable;
using Moesaic.Models.Checkpoints;

namespace Moesaic.Models.Decoder;

/// <summary>compressed-tensors: codes packed along the columns, zero points along the rows, both offset to be unsigned.</summary>
internal sealed class PackedIntegerMatrix(string kind, long cols, int bits, ScaleGrid grid, CheckpointTensor? zeros, CheckpointTensor? groupOfColumn, int groupColumns, ImmutableArray<CheckpointTensor> tensors)
    : IntegerMatrix(kind, bits, cols, grid.NumGroups, groupColumns, groupOfColumn, tensors)
{
    private int PerWord => 32 / Bits;

    public override long RowBytes => WordsOf(Cols) * sizeof(uint);

    protected override void ReadCodes(long firstRow, int numRows, Span<byte> target)
    {
        int width = checked((int)Cols);
        for (int i = 0; i < numRows; i++)
        {
            ReadOnlySpan<byte> words = StoredNumbers.Bytes(Tensors[0], (firstRow + i) * RowBytes, RowBytes);
            Span<byte> row = target.Slice(i * width, width);
            if (Bits == 8)
            {
                words[..width].CopyTo(row);
                continue;
            }

            int k = 0;
            for (; Bits == 4 && k + 8 <= width; k += 8)
            {
                BinaryPrimitives.WriteUInt64LittleEndian(row[k..], StoredNumbers.SpreadNibbles(StoredNumbers.Word(words, k / 8)));
            }

            for (; k < width; k++)
            {
                row[k] = (byte)StoredNumbers.Packed(words, 1, k, Bits);
            }
        }
    }

    protected override void ReadScales(long firstRow, int numRows, Span<float> target) => grid.Read(firstRow, numRows, target);

    protected override void ReadZeros(long firstRow, int numRows, Span<short> target)
    {
        if (zeros is null)
        {
            target.Fill((short)(1 << (Bits - 1)));
            return;
        }

        for (int i = 0; i < numRows; i++)
        {
            long row = firstRow + i;
            ReadOnlySpan<byte> words = StoredNumbers.Words(zeros, row / PerWord * NumGroups, NumGroups);
            for (int g = 0; g < NumGroups; g++)
            {
                target[(i * NumGroups) + g] = (short)(StoredNumbers.Word(words, g) >> (int)(row % PerWord * Bits) & ((1u << Bits) - 1));
            }
        }
    }

    private long WordsOf(long count) => ((count - 1) / PerWord) + 1;
}
