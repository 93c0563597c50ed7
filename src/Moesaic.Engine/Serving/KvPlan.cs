using System.Collections.Immutable;
using Moesaic.Models.Decoder;
using Moesaic.Scheduling;

namespace Moesaic.Engine;

/// <summary>How many blocks each cache group gets.</summary>
/// <param name="Groups">The scheduler's groups, in the order of the model's.</param>
/// <param name="Bytes">Bytes of all.</param>
internal sealed record KvPlan(ImmutableArray<KvGroupOptions> Groups, long Bytes)
{
    /// <summary>Divides a budget so that every group can serve the same number of sequences.</summary>
    /// <param name="groups">The model's cache groups.</param>
    /// <param name="blockBytes">Bytes of a block of each.</param>
    /// <param name="options">Bounds; the number of pages is not looked at.</param>
    /// <param name="maxContext">Most positions of a sequence.</param>
    /// <param name="budget">Bytes; null: <paramref name="available"/> decides.</param>
    /// <param name="available">Bytes that may be taken if nobody asked for a number; null: not known.</param>
    /// <exception cref="ArgumentException">The budget does not hold a block of each group.</exception>
    public static KvPlan Create(IReadOnlyList<KvGroupDescription> groups, IReadOnlyList<long> blockBytes, ExecutorOptions options, int maxContext, long? budget, long? available)
    {
        long[] each = [.. groups.Select(g => BlocksOf(g, options, maxContext))];
        long one = Sum(each, blockBytes);
        long all = checked(one * options.MaxSequences);
        long bytes = budget is { } asked ? Math.Min(asked, all) : Math.Clamp(available ?? all, one, all);
        ImmutableArray<KvGroupOptions>.Builder plan = ImmutableArray.CreateBuilder<KvGroupOptions>(groups.Count);
        for (int g = 0; g < groups.Count; g++)
        {
            long blocks = (long)((double)each[g] * bytes / one);
            if (blocks < 1)
            {
                throw new ArgumentException($"A key-value cache of {bytes} bytes is too small: one block of each group takes {blockBytes.Sum()} bytes, a sequence of {maxContext} positions {one}.");
            }

            plan.Add(new KvGroupOptions
            {
                NumBlocks = (int)Math.Min(int.MaxValue, Math.Min(blocks, each[g] * options.MaxSequences)),
                BlockTokens = options.PageTokens,
                Window = groups[g].Window,
            });
        }

        ImmutableArray<KvGroupOptions> made = plan.MoveToImmutable();
        return new KvPlan(made, Sum([.. made.Select(static g => (long)g.NumBlocks)], blockBytes));
    }

    // With a window a sequence holds what the window sees, the chunk being written, and a block that both touch.
    private static long BlocksOf(KvGroupDescription group, ExecutorOptions options, int maxContext)
    {
        long positions = group.Window == 0 ? maxContext : Math.Min(maxContext, (long)group.Window + options.MaxTokens + options.PageTokens);
        return ((positions - 1) / options.PageTokens) + 1;
    }

    private static long Sum(long[] blocks, IReadOnlyList<long> blockBytes)
    {
        long sum = 0;
        for (int g = 0; g < blocks.Length; g++)
        {
            sum = checked(sum + (blocks[g] * blockBytes[g]));
        }

        return sum;
    }
}
