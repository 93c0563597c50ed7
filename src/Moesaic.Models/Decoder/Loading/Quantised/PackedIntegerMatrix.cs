using System.Buffers.Binary;
using System.Collections.Immutable;
using Moesaic.Models.Checkpoints;

namespace Moesaic.Models.Decoder;

/// <summary>compressed-tensors: codes packed along the columns, zero points along the rows, both offset to be unsigned.</summary>
internal sealed class PackedIntegerMatrix(string kind, long cols, int bits, ScaleGrid grid, CheckpointTensor? zeros, CheckpointTensor? groupOfColumn, int groupColumns, ImmutableArray<CheckpointTensor> tensors)
    : IntegerMatrix(kind, cols, grid.NumGroups, groupColumns, groupOfColumn, tensors)
{
    private readonly int _perWord = 32 / bits;

    public override long RowBytes => WordsOf(Cols) * sizeof(uint);

    protected override void ReadCodes(long firstRow, int numRows, Span<byte> target)
    {
        int width = checked((int)Cols);
        for (int i = 0; i < numRows; i++)
        {
            ReadOnlySpan<byte> words = StoredNumbers.Bytes(Tensors[0], (firstRow + i) * RowBytes, RowBytes);
            Span<byte> row = target.Slice(i * width, width);
            if (bits == 8)
            {
                words[..width].CopyTo(row);
                continue;
            }

            int k = 0;
            for (; bits == 4 && k + 8 <= width; k += 8)
            {
                BinaryPrimitives.WriteUInt64LittleEndian(row[k..], StoredNumbers.SpreadNibbles(StoredNumbers.Word(words, k / 8)));
            }

            for (; k < width; k++)
            {
                row[k] = (byte)StoredNumbers.Packed(words, 1, k, bits);
            }
        }
    }

    protected override void ReadScales(long firstRow, int numRows, Span<float> target) => grid.Read(firstRow, numRows, target);

    protected override void ReadZeros(long firstRow, int numRows, Span<short> target)
    {
        if (zeros is null)
        {
            target.Fill((short)(1 << (bits - 1)));
            return;
        }

        for (int i = 0; i < numRows; i++)
        {
            long row = firstRow + i;
            ReadOnlySpan<byte> words = StoredNumbers.Words(zeros, row / _perWord * NumGroups, NumGroups);
            for (int g = 0; g < NumGroups; g++)
            {
                target[(i * NumGroups) + g] = (short)(StoredNumbers.Word(words, g) >> (int)(row % _perWord * bits) & ((1u << bits) - 1));
            }
        }
    }

    private long WordsOf(long count) => ((count - 1) / _perWord) + 1;
}
