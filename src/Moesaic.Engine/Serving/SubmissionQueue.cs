using System.Diagnostics.CodeAnalysis;

namespace Moesaic.Engine;

/// <summary>
/// A bounded queue from many threads to one, without locks: a ring whose cells carry the turn in which they may be written
/// or read (Vyukov's bounded queue). Full is told, never waited for.
/// </summary>
internal sealed class SubmissionQueue<T>
    where T : class
{
    private readonly Cell[] _cells;
    private readonly int _mask;
    private long _tail;
    private long _head;

    /// <param name="capacity">A power of two.</param>
    public SubmissionQueue(int capacity)
    {
        _cells = new Cell[capacity];
        _mask = capacity - 1;
        for (int i = 0; i < capacity; i++)
        {
            _cells[i].Turn = i;
        }
    }

    public int Capacity => _cells.Length;

    /// <summary>Whether nothing can be taken now. The reading thread only.</summary>
    public bool IsEmpty => Volatile.Read(ref _cells[_head & _mask].Turn) != _head + 1;

    /// <summary>Whether there was room. Any thread.</summary>
    public bool TryAdd(T item)
    {
        long tail = Volatile.Read(ref _tail);
        while (true)
        {
            ref Cell cell = ref _cells[tail & _mask];
            long turn = Volatile.Read(ref cell.Turn);
            if (turn == tail)
            {
                long seen = Interlocked.CompareExchange(ref _tail, tail + 1, tail);
                if (seen == tail)
                {
                    cell.Item = item;
                    Volatile.Write(ref cell.Turn, tail + 1);
                    return true;
                }

                tail = seen;
            }
            else if (turn < tail)
            {
                return false;
            }
            else
            {
                tail = Volatile.Read(ref _tail);
            }
        }
    }

    /// <summary>The reading thread only.</summary>
    public bool TryTake([NotNullWhen(true)] out T? item)
    {
        ref Cell cell = ref _cells[_head & _mask];
        if (Volatile.Read(ref cell.Turn) != _head + 1)
        {
            item = null;
            return false;
        }

        item = cell.Item!;
        cell.Item = null;
        Volatile.Write(ref cell.Turn, _head + _cells.Length);
        _head++;
        return true;
    }

    private struct Cell
    {
        public long Turn;
        public T? Item;
    }
}
