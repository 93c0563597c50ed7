namespace Moesaic.Scheduling;

/// <summary>Order of a heap, and where its items keep their place in it (-1: not in it).</summary>
internal interface IHeapOrder<T>
{
    static abstract bool IsBefore(T a, T b);

    static abstract ref int IndexOf(T item);
}

/// <summary>A binary heap whose items know their place, so that any of them can be moved or removed in logarithmic time.</summary>
internal sealed class IndexedHeap<T, TOrder>(int capacity)
    where T : class
    where TOrder : IHeapOrder<T>
{
    private T?[] _items = new T?[Math.Max(1, capacity)];

    public int Count { get; private set; }

    public T? First => _items[0];

    public ReadOnlySpan<T?> Items => _items.AsSpan(0, Count);

    public static bool IsIn(T item) => TOrder.IndexOf(item) >= 0;

    public void Add(T item)
    {
        if (Count == _items.Length)
        {
            Array.Resize(ref _items, Count * 2);
        }

        Put(item, Count++);
        Rise(item);
    }

    public void Remove(T item)
    {
        int index = TOrder.IndexOf(item);
        TOrder.IndexOf(item) = -1;
        T last = _items[--Count]!;
        _items[Count] = null;
        if (last != item)
        {
            Put(last, index);
            Reorder(last);
        }
    }

    /// <summary>Restores the order after an item's key has changed.</summary>
    public void Reorder(T item)
    {
        Rise(item);
        Sink(item);
    }

    private void Put(T item, int index)
    {
        _items[index] = item;
        TOrder.IndexOf(item) = index;
    }

    private void Rise(T item)
    {
        int index = TOrder.IndexOf(item);
        while (index > 0 && TOrder.IsBefore(item, _items[(index - 1) / 2]!))
        {
            Put(_items[(index - 1) / 2]!, index);
            index = (index - 1) / 2;
        }

        Put(item, index);
    }

    private void Sink(T item)
    {
        int index = TOrder.IndexOf(item);
        for (int child = (2 * index) + 1; child < Count; child = (2 * index) + 1)
        {
            if (child + 1 < Count && TOrder.IsBefore(_items[child + 1]!, _items[child]!))
            {
                child++;
            }

            if (!TOrder.IsBefore(_items[child]!, item))
            {
                break;
            }

            Put(_items[child]!, index);
            index = child;
        }

        Put(item, index);
    }
}
