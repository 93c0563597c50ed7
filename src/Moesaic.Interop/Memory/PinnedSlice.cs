namespace Moesaic.Interop;

/// <summary>A part of a <see cref="PinnedArray{T}"/>; the default value is empty.</summary>
public readonly unsafe struct PinnedSlice<T>
    where T : unmanaged
{
    private readonly PinnedArray<T>? _array;
    private readonly int _start;

    internal PinnedSlice(PinnedArray<T> array, int start, int count)
    {
        _array = array;
        _start = start;
        Count = count;
    }

    public int Count { get; }

    /// <summary>The elements.</summary>
    public Span<T> Span => _array is null ? [] : _array.Span.Slice(_start, Count);

    /// <summary>The array that must stay referenced while native code reads; null for an empty slice.</summary>
    internal object? Owner => _array;

    /// <summary>Null when there are no elements.</summary>
    internal T* Pointer => Count == 0 ? null : _array!.Pointer(_start);
}
