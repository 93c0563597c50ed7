namespace Moesaic.Scheduling;

/// <summary>The latest steps.</summary>
public sealed class StepLog
{
    private readonly StepRecord[] _records;
    private long _count;

    internal StepLog(int capacity) => _records = new StepRecord[capacity];

    /// <summary>Steps remembered.</summary>
    public int Count => (int)Math.Min(_count, _records.Length);

    /// <summary>A step; 0 is the oldest one remembered.</summary>
    public ref readonly StepRecord this[int index]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)Count, nameof(index));
            return ref _records[(int)((_count - Count + index) % _records.Length)];
        }
    }

    internal void Add(in StepRecord record) => _records[(int)(_count++ % _records.Length)] = record;
}
