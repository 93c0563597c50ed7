using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Moesaic.Interop;

/// <summary>A managed array that never moves, so that native code can be pointed at it for as long as it is referenced.</summary>
public sealed unsafe class PinnedArray<T>
    where T : unmanaged
{
    private readonly T[] _items;

    /// <param name="length">Number of elements, all zero.</param>
    public PinnedArray(int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        _items = GC.AllocateArray<T>(length, pinned: true);
    }

    public int Length => _items.Length;

    public Span<T> Span => _items;

    public ref T this[int index] => ref _items[index];

    /// <summary>Elements [start, start + count) as an argument of native calls.</summary>
    public PinnedSlice<T> Slice(int start, int count)
    {
        _ = _items.AsSpan(start, count);
        return new PinnedSlice<T>(this, start, count);
    }

    internal T* Pointer(int start) =>
        (T*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_items)) + start;
}
