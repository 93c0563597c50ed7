using System.Buffers.Binary;

namespace Moesaic.Models.Decoder;

/// <summary>Brings codes, one a byte, into the rows that a weight is filled with.</summary>
internal static class CodePacking
{
    /// <summary>What unsigned 8-bit codes are above the signed ones.</summary>
    public const short SignedOffset = 128;

    /// <param name="codes">[rows, cols].</param>
    /// <param name="permutation">Column of each column of the result; null: the same.</param>
    /// <param name="cols">Columns, even.</param>
    /// <param name="nibbles">Whether codes have at most 4 bits and two go into a byte, the even column low; else they become signed bytes.</param>
    /// <param name="target">[rows, cols / 2] or [rows, cols].</param>
    public static void Pack(Span<byte> codes, int[]? permutation, int cols, bool nibbles, Span<byte> target)
    {
        Span<byte> sorted = permutation is null ? [] : new byte[cols];
        int rowBytes = nibbles ? cols / 2 : cols;
        for (int row = 0; row < codes.Length / cols; row++)
        {
            ReadOnlySpan<byte> from = codes.Slice(row * cols, cols);
            if (permutation is not null)
            {
                for (int k = 0; k < permutation.Length; k++)
                {
                    sorted[k] = from[permutation[k]];
                }

                from = sorted;
            }

            Span<byte> to = target.Slice(row * rowBytes, rowBytes);
            if (nibbles)
            {
                PackNibbles(from, to);
            }
            else
            {
                for (int k = 0; k < cols; k++)
                {
                    to[k] = (byte)(from[k] ^ SignedOffset);
                }
            }
        }
    }

    private static void PackNibbles(ReadOnlySpan<byte> from, Span<byte> to)
    {
        int k = 0;
        for (; k + 8 <= from.Length; k += 8)
        {
            ulong x = BinaryPrimitives.ReadUInt64LittleEndian(from[k..]);
            x = (x | (x >> 4)) & 0x00FF00FF00FF00FF;
            x = (x | (x >> 8)) & 0x0000FFFF0000FFFF;
            BinaryPrimitives.WriteUInt32LittleEndian(to[(k / 2)..], (uint)(x | (x >> 16)));
        }

        for (; k < from.Length; k += 2)
        {
            to[k / 2] = (byte)(from[k] | (from[k + 1] << 4));
        }
    }
}
