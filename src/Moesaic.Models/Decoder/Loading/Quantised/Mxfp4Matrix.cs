using System.Buffers.Binary;
using Moesaic.Models.Checkpoints;

namespace Moesaic.Models.Decoder;

/// <summary>
/// MXFP4 as GPT-OSS stores it: codes [.., rows, cols / 32, 16], two consecutive elements a byte, and exponents
/// [.., rows, cols / 32]. GGUF's blocks hold element j beside element j + 16.
/// </summary>
internal sealed class Mxfp4Matrix(string kind, long cols, CheckpointTensor codes, CheckpointTensor exponents)
    : BlockMatrix(kind, cols, ElementFormat.MXFP4, [codes, exponents])
{
    private const int CodeBytes = 16;
    private const int BlockBytes = 1 + CodeBytes;
    private const byte NotANumber = 0xFF;

    public override long RowBytes => Cols / 2;

    protected override void AssembleRow(long row, Span<byte> target)
    {
        int numBlocks = checked((int)(Cols / 32));
        ReadOnlySpan<byte> stored = StoredNumbers.Bytes(Tensors[0], row * RowBytes, RowBytes);
        ReadOnlySpan<byte> scales = StoredNumbers.Bytes(Tensors[1], row * numBlocks, numBlocks);
        int damaged = scales.IndexOf(NotANumber);
        if (damaged >= 0)
        {
            throw new ModelFormatException(Tensors[1].File.Path, Tensors[1].Name, $"exponent {damaged} of row {row} is not a number (255). The file is damaged.");
        }

        for (int b = 0; b < numBlocks; b++)
        {
            ReadOnlySpan<byte> from = stored.Slice(b * CodeBytes, CodeBytes);
            Span<byte> to = target.Slice(b * BlockBytes, BlockBytes);
            to[0] = scales[b];
            for (int half = 0; half < 2; half++)
            {
                ulong low = StoredNumbers.SpreadNibbles(BinaryPrimitives.ReadUInt32LittleEndian(from[(4 * half)..]));
                ulong high = StoredNumbers.SpreadNibbles(BinaryPrimitives.ReadUInt32LittleEndian(from[(8 + (4 * half))..]));
                BinaryPrimitives.WriteUInt64LittleEndian(to[(1 + (8 * half))..], low | (high << 4));
            }
        }
    }
}
