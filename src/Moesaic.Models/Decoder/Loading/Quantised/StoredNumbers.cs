using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Moesaic.Models.Checkpoints;

namespace Moesaic.Models.Decoder;

/// <summary>Reads elements of small or odd tensors in place, at any alignment.</summary>
internal static class StoredNumbers
{
    public static bool IsFloat(ElementFormat format) => format is ElementFormat.F32 or ElementFormat.F16 or ElementFormat.BF16;

    /// <summary>The data, in the file's mapping.</summary>
    public static unsafe ReadOnlySpan<byte> Bytes(CheckpointTensor tensor, long start, long count) =>
        start >= 0 && count >= 0 && start <= tensor.ByteLength - count
            ? new ReadOnlySpan<byte>((void*)(tensor.Pointer + (nint)start), checked((int)count))
            : throw new InvalidOperationException($"Bytes {start} to {start + count} lie outside {tensor}.");

    /// <summary>32-bit words [start, start + count).</summary>
    public static ReadOnlySpan<byte> Words(CheckpointTensor tensor, long start, long count) => Bytes(tensor, checked(start * sizeof(uint)), checked(count * sizeof(uint)));

    public static uint Word(ReadOnlySpan<byte> words, int index) => BinaryPrimitives.ReadUInt32LittleEndian(words[(index * sizeof(uint))..]);

    /// <summary>Finite values of an F32, F16 or BF16 tensor, from element <paramref name="start"/> on.</summary>
    /// <exception cref="ModelFormatException">One is not finite.</exception>
    public static void ReadScales(CheckpointTensor tensor, long start, Span<float> target)
    {
        int bytes = tensor.Format == ElementFormat.F32 ? 4 : 2;
        ReadOnlySpan<byte> stored = Bytes(tensor, start * bytes, (long)target.Length * bytes);
        for (int i = 0; i < target.Length; i++)
        {
            float value = tensor.Format switch
            {
                ElementFormat.F32 => MemoryMarshal.Read<float>(stored[(i * 4)..]),
                ElementFormat.F16 => (float)BinaryPrimitives.ReadHalfLittleEndian(stored[(i * 2)..]),
                _ => BitConverter.UInt32BitsToSingle((uint)BinaryPrimitives.ReadUInt16LittleEndian(stored[(i * 2)..]) << 16),
            };
            target[i] = float.IsFinite(value) ? value : throw new ModelFormatException(tensor.File.Path, tensor.Name, $"element {start + i} is {value}; expected finite scales. The file is damaged.");
        }
    }

    /// <summary>Elements of <paramref name="bits"/> bits (2, 3, 4 or 8) that are packed without gaps, lowest bits first.</summary>
    /// <param name="words">First word of a run of 32 elements or the run's continuation.</param>
    /// <param name="stride">Words from one word of the run to the next.</param>
    /// <param name="index">Element of the run.</param>
    /// <param name="bits">Bits of an element.</param>
    public static int Packed(ReadOnlySpan<byte> words, int stride, int index, int bits)
    {
        int bit = index * bits;
        ulong pair = Word(words, (bit >> 5) * stride);
        if ((bit & 31) + bits > 32)
        {
            pair |= (ulong)Word(words, ((bit >> 5) + 1) * stride) << 32;
        }

        return (int)(pair >> (bit & 31)) & ((1 << bits) - 1);
    }

    /// <summary>The eight nibbles of a word as bytes, lowest first.</summary>
    public static ulong SpreadNibbles(uint word)
    {
        ulong x = word;
        x = (x | (x << 16)) & 0x0000FFFF0000FFFF;
        x = (x | (x << 8)) & 0x00FF00FF00FF00FF;
        return (x | (x << 4)) & 0x0F0F0F0F0F0F0F0F;
    }
}
