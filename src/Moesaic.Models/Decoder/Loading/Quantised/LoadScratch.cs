using System.Diagnostics.CodeAnalysis;

namespace Moesaic.Models.Decoder;

/// <summary>Memory of one loading thread; grows as needed and is used again from chunk to chunk.</summary>
[SuppressMessage("Performance", "CA1819", Justification = "Working memory of the loader.")]
internal sealed class LoadScratch
{
    private float[] _values = [];
    private float[] _stored = [];
    private float[] _scales = [];
    private short[] _zeros = [];
    private byte[] _codes = [];
    private byte[] _bytes = [];

    /// <summary>Expanded rows.</summary>
    public Span<float> Values(long count) => Grow(ref _values, count);

    /// <summary>Expanded rows of a matrix that is wanted with its columns as rows.</summary>
    public Span<float> Stored(long count) => Grow(ref _stored, count);

    public Span<float> Scales(long count) => Grow(ref _scales, count);

    public Span<short> Zeros(long count) => Grow(ref _zeros, count);

    /// <summary>Stored elements, one a byte.</summary>
    public Span<byte> Codes(long count) => Grow(ref _codes, count);

    /// <summary>Rows in the form that a weight is filled with.</summary>
    public Span<byte> Bytes(long count) => Grow(ref _bytes, count);

    private static Span<T> Grow<T>(ref T[] memory, long count)
    {
        int size = checked((int)count);
        if (memory.Length < size)
        {
            memory = GC.AllocateUninitializedArray<T>(size);
        }

        return memory.AsSpan(0, size);
    }
}
