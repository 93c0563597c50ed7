namespace Moesaic.Scheduling;

/// <summary>Layers whose cache shares one page table.</summary>
public sealed record KvGroupOptions
{
    /// <summary>Blocks of the group's cache, numbered from 0.</summary>
    public required int NumBlocks { get; init; }

    /// <summary>Positions that a block holds.</summary>
    public int BlockTokens { get; init; } = 64;

    /// <summary>Positions a layer of this group looks back on, itself included; 0: all.</summary>
    public int Window { get; init; }

    /// <summary>Blocks that hold positions [0, <paramref name="numTokens"/>).</summary>
    internal int BlocksOf(int numTokens) => (int)(((long)numTokens + BlockTokens - 1) / BlockTokens);

    /// <summary>The first block that the token at <paramref name="position"/> or any later one can see.</summary>
    internal int FirstVisibleBlock(int position) => Window == 0 ? 0 : Math.Max(0, position - Window + 1) / BlockTokens;

    /// <summary>The most blocks that a sequence of <paramref name="numTokens"/> needs at once if it advances one token at a time.</summary>
    internal int LeastBlocksOf(int numTokens)
    {
        int all = BlocksOf(numTokens);
        return Window == 0 ? all : Math.Min(all, (int)(((long)Window + BlockTokens - 2) / BlockTokens) + 1);
    }

    internal void Validate()
    {
        if (NumBlocks < 1 || BlockTokens < 1 || Window < 0)
        {
            throw new ArgumentException($"A cache group of {NumBlocks} blocks of {BlockTokens} positions and a window of {Window} is impossible; expected at least 1, at least 1, not negative.");
        }
    }
}
