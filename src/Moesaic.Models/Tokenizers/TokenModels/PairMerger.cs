using System.Buffers;

namespace Moesaic.Models.Tokenizers.TokenModels;

/// <summary>Applies merges to a row of symbols: always the pair with the lowest rank, among equals the leftmost.</summary>
internal sealed class PairMerger(MergeTable merges)
{
    // Below this many symbols a scan for the best pair beats a queue.
    private const int ScanLimit = 32;

    /// <summary>Merges in place and returns how many symbols are left. O(n log n).</summary>
    public int Merge(int[] symbols, int count)
    {
        if (count < 2)
        {
            return count;
        }

        return count <= ScanLimit ? MergeShort(symbols, count) : MergeLong(symbols, count);
    }

    private int MergeShort(int[] symbols, int count)
    {
        Span<int> ranks = stackalloc int[ScanLimit];
        for (int i = 0; i + 1 < count; i++)
        {
            ranks[i] = merges.RankOf(symbols[i], symbols[i + 1]);
        }

        while (true)
        {
            int best = -1, bestRank = MergeTable.NoRank;
            for (int i = 0; i + 1 < count; i++)
            {
                if (ranks[i] < bestRank)
                {
                    bestRank = ranks[i];
                    best = i;
                }
            }

            if (best < 0)
            {
                return count;
            }

            symbols[best] = merges.ResultOf(bestRank);
            count--;
            for (int i = best + 1; i < count; i++)
            {
                symbols[i] = symbols[i + 1];
                ranks[i] = ranks[i + 1];
            }

            if (best > 0)
            {
                ranks[best - 1] = merges.RankOf(symbols[best - 1], symbols[best]);
            }

            if (best + 1 < count)
            {
                ranks[best] = merges.RankOf(symbols[best], symbols[best + 1]);
            }
        }
    }

    private int MergeLong(int[] symbols, int count)
    {
        int[] next = ArrayPool<int>.Shared.Rent(count);
        int[] previous = ArrayPool<int>.Shared.Rent(count);
        int[] results = ArrayPool<int>.Shared.Rent(count);
        MergeQueue queue = new(count);
        try
        {
            for (int i = 0; i < count; i++)
            {
                next[i] = i + 1 < count ? i + 1 : -1;
                previous[i] = i - 1;
                results[i] = -1;
                if (i + 1 < count)
                {
                    Offer(ref queue, symbols, results, i, i + 1, ordered: false);
                }
            }

            queue.Order();
            while (queue.TryTake(out int rank, out int left))
            {
                // An entry is stale when its place is gone or forms another pair by now.
                if (results[left] != merges.ResultOf(rank))
                {
                    continue;
                }

                int right = next[left], after = next[right];
                symbols[left] = results[left];
                symbols[right] = results[right] = results[left] = -1;
                next[left] = after;
                if (after >= 0)
                {
                    previous[after] = left;
                    Offer(ref queue, symbols, results, left, after, ordered: true);
                }

                if (previous[left] >= 0)
                {
                    Offer(ref queue, symbols, results, previous[left], left, ordered: true);
                }
            }

            int written = 0;
            for (int i = 0; i >= 0; i = next[i])
            {
                symbols[written++] = symbols[i];
            }

            return written;
        }
        finally
        {
            queue.Dispose();
            ArrayPool<int>.Shared.Return(next);
            ArrayPool<int>.Shared.Return(previous);
            ArrayPool<int>.Shared.Return(results);
        }
    }

    private void Offer(ref MergeQueue queue, int[] symbols, int[] results, int left, int right, bool ordered)
    {
        int rank = merges.RankOf(symbols[left], symbols[right]);
        if (rank == MergeTable.NoRank)
        {
            results[left] = -1;
            return;
        }

        results[left] = merges.ResultOf(rank);
        queue.Add(rank, left, ordered);
    }
}
