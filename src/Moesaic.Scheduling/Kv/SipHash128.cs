using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace Moesaic.Scheduling;

/// <summary>
/// SipHash-2-4 with 128 bits of output (Aumasson, Bernstein: "SipHash: a fast short-input PRF", and the authors' 128-bit
/// variant): without the key, nobody can make two inputs collide. Incremental; allocates nothing.
/// </summary>
internal ref struct SipHash128
{
    private ulong _v0;
    private ulong _v1;
    private ulong _v2;
    private ulong _v3;
    private int _length;

    public SipHash128(ulong key0, ulong key1)
    {
        _v0 = key0 ^ 0x736f6d6570736575;
        _v1 = key1 ^ 0x646f72616e646f6d ^ 0xee;
        _v2 = key0 ^ 0x6c7967656e657261;
        _v3 = key1 ^ 0x7465646279746573;
    }

    /// <summary>Adds eight bytes, least significant first.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(ulong word)
    {
        _v3 ^= word;
        Round();
        Round();
        _v0 ^= word;
        _length += sizeof(ulong);
    }

    /// <summary>Adds the last bytes and returns the hash; its low half is the first eight bytes of the published form.</summary>
    public UInt128 Finish(ReadOnlySpan<byte> rest)
    {
        while (rest.Length >= sizeof(ulong))
        {
            Add(BinaryPrimitives.ReadUInt64LittleEndian(rest));
            rest = rest[sizeof(ulong)..];
        }

        ulong last = (ulong)(_length + rest.Length) << 56;
        for (int i = 0; i < rest.Length; i++)
        {
            last |= (ulong)rest[i] << (8 * i);
        }

        Add(last);
        _v2 ^= 0xee;
        ulong low = FourRounds();
        _v1 ^= 0xdd;
        return new UInt128(FourRounds(), low);
    }

    private ulong FourRounds()
    {
        Round();
        Round();
        Round();
        Round();
        return _v0 ^ _v1 ^ _v2 ^ _v3;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Round()
    {
        _v0 += _v1;
        _v1 = BitOperations.RotateLeft(_v1, 13) ^ _v0;
        _v0 = BitOperations.RotateLeft(_v0, 32);
        _v2 += _v3;
        _v3 = BitOperations.RotateLeft(_v3, 16) ^ _v2;
        _v0 += _v3;
        _v3 = BitOperations.RotateLeft(_v3, 21) ^ _v0;
        _v2 += _v1;
        _v1 = BitOperations.RotateLeft(_v1, 17) ^ _v2;
        _v2 = BitOperations.RotateLeft(_v2, 32);
    }
}
