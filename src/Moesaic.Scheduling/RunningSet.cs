namespace Moesaic.Scheduling;

/// <summary>The running sequences in order of rank, and their seats.</summary>
internal sealed class RunningSet
{
    private readonly Sequence?[] _sequences;
    private readonly int[] _freeSeats;
    private int _numFreeSeats;

    public RunningSet(int capacity)
    {
        _sequences = new Sequence?[capacity];
        _freeSeats = new int[capacity];
        for (int i = 0; i < capacity; i++)
        {
            _freeSeats[i] = capacity - 1 - i;
        }

        _numFreeSeats = capacity;
    }

    public int Count { get; private set; }

    /// <summary>Seats promised to samples that wait for their prompt.</summary>
    public int NumReserved { get; set; }

    /// <summary>Seats for others.</summary>
    public int NumFree => _sequences.Length - Count - NumReserved;

    /// <summary>The sequence of this place in the order, the best first.</summary>
    public Sequence this[int index] => _sequences[index]!;

    public int TakeSeat() => _freeSeats[--_numFreeSeats];

    public void ReturnSeat(int seat) => _freeSeats[_numFreeSeats++] = seat;

    /// <summary>Adds a sequence that has a seat.</summary>
    public void Add(Sequence sequence)
    {
        int index = Count++;
        for (; index > 0 && sequence.IsBefore(_sequences[index - 1]!); index--)
        {
            _sequences[index] = _sequences[index - 1];
        }

        _sequences[index] = sequence;
    }

    /// <summary>Removes a sequence and takes its seat back.</summary>
    public void Remove(Sequence sequence)
    {
        int index = Array.IndexOf(_sequences, sequence, 0, Count);
        Array.Copy(_sequences, index + 1, _sequences, index, Count - index - 1);
        _sequences[--Count] = null;
        ReturnSeat(sequence.Seat);
        sequence.Seat = -1;
    }
}
