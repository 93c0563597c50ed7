namespace Moesaic.Scheduling;

/// <summary>
/// Page tables of the running sequences, one for each cache group, and who holds which block. A seat is a running sequence's
/// number. Blocks freed here may be given out at once although a step in flight still uses them: steps and their copies run
/// in order, so the old use is over before the new one begins.
/// </summary>
internal sealed class KvManager
{
    private const int NoBlock = -1;

    private readonly KvGroupOptions[] _options;
    private readonly BlockPool[] _pools;
    private readonly int[][] _tables;
    private readonly int[] _strides;
    private readonly SeatGroup[] _seats;
    private readonly PrefixIndex _prefixes;
    private readonly bool _caching;

    public KvManager(SchedulerOptions options, PrefixHasher hasher)
    {
        _options = [.. options.KvGroups];
        _pools = [.. _options.Select(static g => new BlockPool(g.NumBlocks))];
        _strides = [.. _options.Select(g => g.BlocksOf(options.MaxContext))];
        _tables = [.. _strides.Select(s => new int[checked(s * options.MaxSequences)])];
        _seats = new SeatGroup[options.MaxSequences * _options.Length];
        _caching = options.PrefixCaching;
        _prefixes = new PrefixIndex(_options, _pools, hasher, options.MaxContext);
    }

    public int NumGroups => _options.Length;

    /// <summary>Block hashes of a prompt, for <see cref="Attach"/> and <see cref="Commit"/>. Safe from any thread.</summary>
    public PromptHashes Hash(string tenant, string salt, ReadOnlySpan<int> prompt) =>
        _caching ? _prefixes.Hash(tenant, salt, prompt) : PromptHashes.None;

    public BlockPool Pool(int group) => _pools[group];

    /// <summary>The most positions that a sequence alone, with every block its own, can come to hold.</summary>
    public int Capacity
    {
        get
        {
            long capacity = int.MaxValue;
            foreach (KvGroupOptions group in _options)
            {
                if (group.LeastBlocksOf(int.MaxValue) > group.NumBlocks)
                {
                    capacity = Math.Min(capacity, (long)group.NumBlocks * group.BlockTokens);
                }
            }

            return (int)capacity;
        }
    }

    /// <summary>Length of the seat's page table in blocks.</summary>
    public int TableLength(int seat, int group) => Seat(seat, group).Length;

    /// <summary>Block numbers by position; -1 where nothing can be seen any more.</summary>
    public ReadOnlySpan<int> Table(int seat, int group) => _tables[group].AsSpan(seat * _strides[group], Seat(seat, group).Length);

    /// <summary>Tokens after the first <paramref name="numScheduled"/> for which there are blocks without taking any from others.</summary>
    public int RoomOf(int seat, int numScheduled)
    {
        long room = int.MaxValue;
        for (int g = 0; g < _options.Length; g++)
        {
            int blockTokens = _options[g].BlockTokens;
            ref SeatGroup s = ref Seat(seat, g);
            int available = _pools[g].NumAvailable;
            if (MustCopy(seat, g, numScheduled) && --available < 0)
            {
                return 0;
            }

            room = Math.Min(room, ((s.Length + (long)available) * blockTokens) - numScheduled);
        }

        return (int)room;
    }

    /// <summary>Makes positions [from, to) writable; the caller has checked <see cref="RoomOf"/>.</summary>
    /// <param name="seat">The sequence.</param>
    /// <param name="from">The sequence's first position without a place in a step.</param>
    /// <param name="to">Past the last position to be written.</param>
    /// <param name="copies">Receives, by group, what has to be copied first.</param>
    public void Extend(int seat, int from, int to, BlockCopies[] copies)
    {
        for (int g = 0; g < _options.Length; g++)
        {
            ref SeatGroup s = ref Seat(seat, g);
            Span<int> table = _tables[g].AsSpan(seat * _strides[g], _strides[g]);
            if (MustCopy(seat, g, from))
            {
                ref int entry = ref table[from / _options[g].BlockTokens];
                int source = entry;
                entry = _pools[g].Allocate();
                copies[g].Add(source, entry);
                _pools[g].BeginCopy(source);
                _pools[g].Release(source);
            }

            int length = _options[g].BlocksOf(to);
            while (s.Length < length)
            {
                table[s.Length++] = _pools[g].Allocate();
            }
        }
    }

    /// <summary>The step's copies are planned completely: their sources may be given out again.</summary>
    public void EndCopies(BlockCopies[] copies)
    {
        for (int g = 0; g < _options.Length; g++)
        {
            foreach (int source in copies[g].Sources)
            {
                _pools[g].EndCopy(source);
            }
        }
    }

    /// <summary>Gives an empty seat all blocks of the longest cached prefix.</summary>
    /// <returns>Positions covered: whole blocks of every group, and fewer than the sequence has tokens.</returns>
    public int Attach(int seat, Sequence sequence)
    {
        UInt128 root = sequence.Request.Hashes.Root;
        int hit = _caching && !sequence.Request.Options.WantsPromptLogits ? _prefixes.Find(sequence) : 0;
        for (int g = 0; g < _options.Length; g++)
        {
            KvGroupOptions group = _options[g];
            ref SeatGroup s = ref Seat(seat, g);
            s.First = group.FirstVisibleBlock(hit);
            s.Length = hit / group.BlockTokens;
            s.Registered = s.Length;
            s.Hash = s.Length == 0 ? root : _prefixes.Found(g, s.Length - 1);
            Span<int> table = _tables[g].AsSpan(seat * _strides[g], s.Length);
            table[..Math.Min(s.First, s.Length)].Fill(NoBlock);
            for (int i = s.First; i < s.Length; i++)
            {
                table[i] = _pools[g].Find(_prefixes.Found(g, i));
                _pools[g].Acquire(table[i]);
            }
        }

        return hit;
    }

    /// <summary>Blocks that a sequence will need of the group until it holds <paramref name="numTokens"/> positions, over those it has.</summary>
    public int MissingBlocks(int seat, int group, int numTokens)
    {
        ref SeatGroup s = ref Seat(seat, group);
        KvGroupOptions options = _options[group];
        int all = options.BlocksOf(numTokens);
        int held = s.Length - s.First;

        // Of a window, a block more than its span: the chunk in flight keeps what the next one lets go.
        int needed = options.Window == 0 ? all - s.Length : Math.Min(all - s.Length, options.LeastBlocksOf(numTokens) + 1 - held);
        return Math.Max(0, needed);
    }

    /// <summary>Lets an empty seat share all blocks of another.</summary>
    public void Fork(int from, int to)
    {
        for (int g = 0; g < _options.Length; g++)
        {
            ref SeatGroup s = ref Seat(to, g);
            s = Seat(from, g);
            Span<int> table = _tables[g].AsSpan(to * _strides[g], s.Length);
            Table(from, g).CopyTo(table);
            foreach (int block in table[s.First..])
            {
                _pools[g].Acquire(block);
            }
        }
    }

    /// <summary>Makes whole blocks of computed positions findable, then lets go of what no later token can see.</summary>
    /// <param name="sequence">A running sequence; the tokens of all computed positions are known.</param>
    public void Commit(Sequence sequence)
    {
        int numComputed = sequence.NumComputed;
        for (int g = 0; g < _options.Length; g++)
        {
            ref SeatGroup s = ref Seat(sequence.Seat, g);
            KvGroupOptions group = _options[g];
            while (_caching && (s.Registered + 1) * (long)group.BlockTokens <= numComputed)
            {
                s.Hash = _prefixes.HashOf(sequence, g, s.Registered, s.Hash);
                if (s.Registered >= s.First)
                {
                    _pools[g].Register(_tables[g][(sequence.Seat * _strides[g]) + s.Registered], s.Hash);
                }

                s.Registered++;
            }

            if (group.Window > 0)
            {
                ReleaseFirst(sequence.Seat, g, Math.Min(group.FirstVisibleBlock(numComputed), s.Length));
            }
        }
    }

    /// <summary>Empties the seat.</summary>
    public void Release(int seat)
    {
        for (int g = 0; g < _options.Length; g++)
        {
            ref SeatGroup s = ref Seat(seat, g);

            // Backwards: the end of a prefix is of less use than its beginning and must be evicted first.
            ReadOnlySpan<int> table = Table(seat, g);
            for (int i = table.Length - 1; i >= s.First; i--)
            {
                _pools[g].Release(table[i]);
            }

            s = default;
        }
    }

    /// <summary>Forgets all cached content.</summary>
    public void Forget()
    {
        foreach (BlockPool pool in _pools)
        {
            pool.Forget();
        }
    }

    /// <summary>Recounts all references; see <see cref="BlockPool.Check"/>.</summary>
    public string? Check()
    {
        for (int g = 0; g < _options.Length; g++)
        {
            int[] references = new int[_pools[g].NumBlocks];
            for (int seat = 0; seat < _seats.Length / _options.Length; seat++)
            {
                ReadOnlySpan<int> table = Table(seat, g);
                for (int i = 0; i < table.Length; i++)
                {
                    if (i >= Seat(seat, g).First != table[i] >= 0)
                    {
                        return $"group {g}, seat {seat}: entry {i} is {table[i]}, the first block held is {Seat(seat, g).First}";
                    }

                    if (table[i] >= 0)
                    {
                        references[table[i]]++;
                    }
                }
            }

            if (_pools[g].Check(references) is { } wrong)
            {
                return $"group {g}: {wrong}";
            }
        }

        return null;
    }

    private ref SeatGroup Seat(int seat, int group) => ref _seats[(seat * _options.Length) + group];

    /// <summary>Whether the next position lies in a block that others share: it was forked in the middle.</summary>
    private bool MustCopy(int seat, int group, int position)
    {
        int index = position / _options[group].BlockTokens;
        return index < Seat(seat, group).Length && _pools[group].IsShared(_tables[group][(seat * _strides[group]) + index]);
    }

    private void ReleaseFirst(int seat, int group, int end)
    {
        ref SeatGroup s = ref Seat(seat, group);
        for (; s.First < end; s.First++)
        {
            ref int entry = ref _tables[group][(seat * _strides[group]) + s.First];
            _pools[group].Release(entry);
            entry = NoBlock;
        }
    }

    /// <summary>A page table's state: blocks [First, Length) are held, [0, Registered) have been offered to the cache, and
    /// Hash is that of the last of these.</summary>
    private struct SeatGroup
    {
        public UInt128 Hash;
        public int First;
        public int Length;
        public int Registered;
    }
}
