namespace Moesaic.Scheduling;

/// <summary>Copies of whole blocks that precede a step's writes. No block is both a source and a target.</summary>
internal sealed class BlockCopies(int capacity)
{
    private readonly int[] _sources = new int[capacity];
    private readonly int[] _targets = new int[capacity];

    public int Count { get; private set; }

    public ReadOnlySpan<int> Sources => _sources.AsSpan(0, Count);

    public ReadOnlySpan<int> Targets => _targets.AsSpan(0, Count);

    public void Add(int source, int target)
    {
        _sources[Count] = source;
        _targets[Count++] = target;
    }

    public void Clear() => Count = 0;
}
