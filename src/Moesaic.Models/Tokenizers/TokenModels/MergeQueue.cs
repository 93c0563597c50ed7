using System.Buffers;

namespace Moesaic.Models.Tokenizers.TokenModels;

/// <summary>Pairs that may merge, lowest rank first, among equals the leftmost: a heap of packed numbers in a pooled array.</summary>
internal struct MergeQueue : IDisposable
{
    // Four children a node: half the levels of a binary heap, and the children share a cache line.
    private const int Children = 4;

    private ulong[] _items;
    private int _count;

    public MergeQueue(int capacity)
    {
        _items = ArrayPool<ulong>.Shared.Rent(Math.Max(capacity, 16));
        _count = 0;
    }

    /// <summary>Adds a pair.</summary>
    /// <param name="rank">Its rank, not negative.</param>
    /// <param name="place">Place of its left symbol.</param>
    /// <param name="ordered">False while the queue is being filled; <see cref="Order"/> must follow then.</param>
    public void Add(int rank, int place, bool ordered)
    {
        if (_count == _items.Length)
        {
            ulong[] larger = ArrayPool<ulong>.Shared.Rent(_items.Length * 2);
            _items.CopyTo(larger, 0);
            ArrayPool<ulong>.Shared.Return(_items);
            _items = larger;
        }

        ulong item = ((ulong)(uint)rank << 32) | (uint)place;
        int at = _count++;
        while (ordered && at > 0)
        {
            int parent = (at - 1) / Children;
            if (_items[parent] <= item)
            {
                break;
            }

            _items[at] = _items[parent];
            at = parent;
        }

        _items[at] = item;
    }

    /// <summary>Puts what was added without order into order.</summary>
    public readonly void Order()
    {
        for (int at = (_count - 2) / Children; at >= 0 && _count > 1; at--)
        {
            Sink(at, _items[at]);
        }
    }

    /// <summary>Takes the first pair; false when there is none.</summary>
    public bool TryTake(out int rank, out int place)
    {
        if (_count == 0)
        {
            rank = place = -1;
            return false;
        }

        ulong first = _items[0];
        rank = (int)(first >> 32);
        place = (int)(uint)first;
        if (--_count > 0)
        {
            Sink(0, _items[_count]);
        }

        return true;
    }

    /// <inheritdoc/>
    public readonly void Dispose() => ArrayPool<ulong>.Shared.Return(_items);

    private readonly void Sink(int at, ulong item)
    {
        ulong[] items = _items;
        while (true)
        {
            int child = (at * Children) + 1, end = Math.Min(child + Children, _count);
            if (child >= end)
            {
                break;
            }

            int best = child;
            for (int i = child + 1; i < end; i++)
            {
                best = items[i] < items[best] ? i : best;
            }

            if (items[best] >= item)
            {
                break;
            }

            items[at] = items[best];
            at = best;
        }

        items[at] = item;
    }
}
