using System.Buffers;

namespace Moesaic.Models.Tokenizers.TokenModels;

/// <summary>Applies merges to a row of symbols: always the pair with the lowest rank, among equals the leftmost.</summary>
internal sealed class PairMerger(Dictionary<long, (int Rank, int Id)> merges)
{
    // Below this many symbols a scan for the best pair beats a queue.
    private const int ScanLimit = 24;

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
        Span<int> results = stackalloc int[ScanLimit];
        for (int i = 0; i + 1 < count; i++)
        {
            Rate(symbols[i], symbols[i + 1], out ranks[i], out results[i]);
        }

        while (true)
        {
            int best = -1, bestRank = int.MaxValue;
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

            symbols[best] = results[best];
            count--;
            for (int i = best + 1; i < count; i++)
            {
                symbols[i] = symbols[i + 1];
                ranks[i] = ranks[i + 1];
                results[i] = results[i + 1];
            }

            if (best > 0)
            {
                Rate(symbols[best - 1], symbols[best], out ranks[best - 1], out results[best - 1]);
            }

            if (best + 1 < count)
            {
                Rate(symbols[best], symbols[best + 1], out ranks[best], out results[best]);
            }
        }
    }

    private int MergeLong(int[] symbols, int count)
    {
        int[] next = ArrayPool<int>.Shared.Rent(count);
        int[] previous = ArrayPool<int>.Shared.Rent(count);
        PriorityQueue<(int At, int Result), long> queue = new(count);
        for (int i = 0; i < count; i++)
        {
            next[i] = i + 1 < count ? i + 1 : -1;
            previous[i] = i - 1;
            if (i + 1 < count)
            {
                Offer(queue, symbols, i, i + 1);
            }
        }

        while (queue.TryDequeue(out (int At, int Result) top, out _))
        {
            int left = top.At;
            int right = symbols[left] < 0 ? -1 : next[left];
            if (right < 0 || !merges.TryGetValue(BpeModel.PairKey(symbols[left], symbols[right]), out (int Rank, int Id) merge) || merge.Id != top.Result)
            {
                continue;
            }

            symbols[left] = merge.Id;
            symbols[right] = -1;
            next[left] = next[right];
            if (next[right] >= 0)
            {
                previous[next[right]] = left;
                Offer(queue, symbols, left, next[left]);
            }

            if (previous[left] >= 0)
            {
                Offer(queue, symbols, previous[left], left);
            }
        }

        int written = 0;
        for (int i = 0; i < count; i++)
        {
            if (symbols[i] >= 0)
            {
                symbols[written++] = symbols[i];
            }
        }

        ArrayPool<int>.Shared.Return(next);
        ArrayPool<int>.Shared.Return(previous);
        return written;
    }

    private void Offer(PriorityQueue<(int At, int Result), long> queue, int[] symbols, int left, int right)
    {
        if (merges.TryGetValue(BpeModel.PairKey(symbols[left], symbols[right]), out (int Rank, int Id) merge))
        {
            queue.Enqueue((left, merge.Id), ((long)merge.Rank << 32) | (uint)left);
        }
    }

    private void Rate(int left, int right, out int rank, out int result)
    {
        (rank, result) = merges.TryGetValue(BpeModel.PairKey(left, right), out (int Rank, int Id) merge) ? (merge.Rank, merge.Id) : (int.MaxValue, -1);
    }
}
