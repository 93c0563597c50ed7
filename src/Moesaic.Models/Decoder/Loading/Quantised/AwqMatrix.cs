using Moesaic.Models.Checkpoints;

namespace Moesaic.Models.Decoder;

/// <summary>AWQ: codes [cols, rows] and zero points [groups, rows], both packed along the rows in AWQ's order; scales [groups, rows].</summary>
internal sealed class AwqMatrix(string kind, long rows, long cols, int numGroups, int groupColumns, CheckpointTensor codes, CheckpointTensor zeros, CheckpointTensor scales)
    : IntegerMatrix(kind, 4, cols, numGroups, groupColumns, null, [codes, zeros, scales])
{
    private const int PerWord = 8;

    public override long RowBytes => Cols / 2;

    public override bool RowsAreContiguous => false;

    // Bits at which the eight outputs of a word lie.
    private static ReadOnlySpan<byte> Shifts => [0, 16, 4, 20, 8, 24, 12, 28];

    protected override void ReadCodes(long firstRow, int numRows, Span<byte> target)
    {
        int width = checked((int)Cols);
        long firstWord = firstRow / PerWord;
        long numWords = ((firstRow + numRows - 1) / PerWord) - firstWord + 1;
        for (int k = 0; k < width; k++)
        {
            ReadOnlySpan<byte> words = StoredNumbers.Words(Tensors[0], (k * (rows / PerWord)) + firstWord, numWords);
            for (int i = 0; i < numRows; i++)
            {
                int output = (int)(firstRow - (firstWord * PerWord)) + i;
                target[(i * width) + k] = (byte)(StoredNumbers.Word(words, output / PerWord) >> Shifts[output % PerWord] & 15);
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
        for (int g = 0; g < NumGroups; g++)
        {
            ReadOnlySpan<byte> words = StoredNumbers.Words(zeros, g * (rows / PerWord), rows / PerWord);
            for (int i = 0; i < numRows; i++)
            {
                int output = (int)firstRow + i;
                target[(i * NumGroups) + g] = (short)(StoredNumbers.Word(words, output / PerWord) >> Shifts[output % PerWord] & 15);
            }
        }
    }
}
