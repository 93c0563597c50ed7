using System.Buffers.Binary;
using System.Collections.Immutable;
using Moesaic.Models.Checkpoints;

namespace Moesaic.Models.Decoder;

/// <summary>GPTQ: codes [cols, rows] packed along the columns, zero points [groups, rows] packed along the rows, scales [groups, rows].</summary>
internal sealed class GptqMatrix(string kind, long rows, long cols, int bits, int numGroups, int groupColumns, bool zerosLessOne, CheckpointTensor zeros, CheckpointTensor scales, CheckpointTensor? groupOfColumn, ImmutableArray<CheckpointTensor> tensors)
    : IntegerMatrix(kind, bits, cols, numGroups, groupColumns, groupOfColumn, tensors)
{
    public override long RowBytes => Cols * Bits / 8;

    public override bool RowsAreContiguous => false;

    protected override void ReadCodes(long firstRow, int numRows, Span<byte> target)
    {
        int width = checked((int)Cols);

        // Runs of 32 columns are `bits` words of each row.
        for (int first = 0; first < width; first += 32)
        {
            int count = Math.Min(32, width - first);
            int numWords = count * Bits / 32;
            ReadOnlySpan<byte> words = StoredNumbers.Words(Tensors[0], ((long)first / 32 * Bits * rows) + firstRow, ((numWords - 1) * rows) + numRows);
            for (int i = 0; i < numRows; i++)
            {
                Span<byte> codes = target.Slice((i * width) + first, count);
                ReadOnlySpan<byte> own = words[(i * sizeof(uint))..];
                if (Bits == 4)
                {
                    for (int w = 0; w < numWords; w++)
                    {
                        BinaryPrimitives.WriteUInt64LittleEndian(codes[(8 * w)..], StoredNumbers.SpreadNibbles(StoredNumbers.Word(own, w * (int)rows)));
                    }
                }
                else
                {
                    for (int k = 0; k < count; k++)
                    {
                        codes[k] = (byte)StoredNumbers.Packed(own, (int)rows, k, Bits);
                    }
                }
            }
        }
    }

    protected override void ReadScales(long firstRow, int numRows, Span<float> target)
    {
        Span<float> column = numRows <= 256 ? stackalloc float[numRows] : new float[numRows];
        for (int g = 0; g < NumGroups; g++)
        {
            StoredNumbers.ReadScales(scales, (g * rows) + firstRow, column);
            for (int i = 0; i < numRows; i++)
            {
                target[(i * NumGroups) + g] = column[i];
            }
        }
    }

    protected override void ReadZeros(long firstRow, int numRows, Span<short> target)
    {
        long wordsOfGroup = rows * Bits / 32;
        for (int g = 0; g < NumGroups; g++)
        {
            ReadOnlySpan<byte> words = StoredNumbers.Words(zeros, g * wordsOfGroup, wordsOfGroup);
            for (int i = 0; i < numRows; i++)
            {
                target[(i * NumGroups) + g] = (short)(StoredNumbers.Packed(words, 1, (int)(firstRow + i), Bits) + (zerosLessOne ? 1 : 0));
            }
        }
    }
}
