using System.Numerics;
using System.Runtime.CompilerServices;

namespace Moesaic.Models.Tokenizers.TokenModels;

/// <summary>The merges of a byte-pair model: which pairs of ids become which id, and in what order. Immutable once filled.</summary>
/// <remarks>Open addressing with linear probing in one array: a look-up touches one cache line as a rule.</remarks>
internal sealed class MergeTable
{
    /// <summary>Rank of a pair that does not merge.</summary>
    public const int NoRank = int.MaxValue;

    private const long Free = -1;

    // Drawn anew in every process, so that no file can make its pairs collide.
    private static readonly ulong Factor = (ulong)Random.Shared.NextInt64() | 1;

    private readonly int[] _results;
    private readonly Slot[] _slots;
    private readonly int _shift;

    /// <param name="count">How many merges there will be; ranks go from 0 to one less.</param>
    public MergeTable(int count)
    {
        int size = (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(16, (long)count * 3 / 2));
        _shift = 64 - BitOperations.Log2((uint)size);
        _slots = new Slot[size];
        Array.Fill(_slots, new Slot { Key = Free });
        _results = new int[count];
    }

    /// <summary>Number of ranks.</summary>
    public int Count => _results.Length;

    /// <summary>Adds a merge; of equal pairs the last one counts.</summary>
    public void Add(int left, int right, int rank, int result)
    {
        long key = KeyOf(left, right);
        int at = PlaceOf(key);
        while (_slots[at].Key != Free && _slots[at].Key != key)
        {
            at = (at + 1) & (_slots.Length - 1);
        }

        _slots[at] = new Slot { Key = key, Rank = rank };
        _results[rank] = result;
    }

    /// <summary>The rank of a pair, or <see cref="NoRank"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public int RankOf(int left, int right)
    {
        long key = KeyOf(left, right);
        Slot[] slots = _slots;
        for (int at = PlaceOf(key); ; at = (at + 1) & (slots.Length - 1))
        {
            ref Slot slot = ref slots[at];
            if (slot.Key == key)
            {
                return slot.Rank;
            }

            if (slot.Key == Free)
            {
                return NoRank;
            }
        }
    }

    /// <summary>The id that the pair of a rank becomes.</summary>
    public int ResultOf(int rank) => _results[rank];

    private static long KeyOf(int left, int right) => ((long)left << 32) | (uint)right;

    private int PlaceOf(long key) => (int)((ulong)key * Factor >> _shift);

    private struct Slot
    {
        public long Key;
        public int Rank;
    }
}
