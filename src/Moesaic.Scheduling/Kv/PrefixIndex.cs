namespace Moesaic.Scheduling;

/// <summary>Finds the longest prefix of a sequence that all cache groups still hold.</summary>
internal sealed class PrefixIndex
{
    private readonly KvGroupOptions[] _options;
    private readonly BlockPool[] _pools;
    private readonly PrefixHasher _hasher;

    // Hashes of the sequence looked up last, by group; groups of the same block size share one array.
    private readonly UInt128[][] _found;
    private readonly int[] _firstOfSize;
    private readonly int[] _tokens;
    private readonly int _alignment;

    public PrefixIndex(KvGroupOptions[] options, BlockPool[] pools, PrefixHasher hasher, int maxContext)
    {
        _options = options;
        _pools = pools;
        _hasher = hasher;
        _found = new UInt128[options.Length][];
        _firstOfSize = [.. options.Select(o => Array.FindIndex(options, other => other.BlockTokens == o.BlockTokens))];
        long alignment = 1;
        for (int g = 0; g < options.Length; g++)
        {
            int first = _firstOfSize[g];
            _found[g] = first < g ? _found[first] : new UInt128[options[g].BlocksOf(maxContext)];
            alignment = Math.Min(int.MaxValue, LeastCommonMultiple(alignment, options[g].BlockTokens));
        }

        _alignment = (int)alignment;
        _tokens = new int[options.Max(static o => o.BlockTokens)];
    }

    /// <summary>Hashes a prompt for every group. Safe from any thread.</summary>
    public PromptHashes Hash(string tenant, string salt, ReadOnlySpan<int> prompt)
    {
        UInt128 root = _hasher.Root(tenant, salt);
        UInt128[][] chains = new UInt128[_options.Length][];
        for (int g = 0; g < chains.Length; g++)
        {
            int first = _firstOfSize[g];
            chains[g] = first < g ? chains[first] : _hasher.Chain(root, prompt, _options[g].BlockTokens);
        }

        return new PromptHashes(root, chains);
    }

    /// <summary>The hash of a sequence's whole block.</summary>
    /// <param name="sequence">The sequence.</param>
    /// <param name="group">The cache group.</param>
    /// <param name="block">Index of the block in the sequence; all its tokens are known.</param>
    /// <param name="before">Hash of the block before it, or the root.</param>
    public UInt128 HashOf(Sequence sequence, int group, int block, UInt128 before)
    {
        UInt128[] prompt = sequence.Request.Hashes.ByGroup[group];
        if (block < prompt.Length)
        {
            return prompt[block];
        }

        int blockTokens = _options[group].BlockTokens;
        Span<int> tokens = _tokens.AsSpan(0, blockTokens);
        sequence.CopyTokens(block * blockTokens, tokens);
        return _hasher.Next(before, tokens);
    }

    /// <summary>Hash of a block of the sequence that <see cref="Find"/> was called for.</summary>
    public UInt128 Found(int group, int block) => _found[group][block];

    /// <summary>Positions of the longest prefix whose blocks are all held: whole blocks of every group, at least one token less
    /// than the sequence has, as the last token's logits are wanted. A windowed group needs only what the next token sees.</summary>
    public int Find(Sequence sequence)
    {
        int limit = AlignDown(sequence.NumTokens - 1);
        if (limit == 0)
        {
            return 0;
        }

        ReadHashes(sequence, limit);
        for (int g = 0; g < _options.Length; g++)
        {
            if (_options[g].Window == 0)
            {
                limit = LongestWhole(g, limit);
            }
        }

        // Shortening for one window may move another onto blocks that are gone.
        for (int unchanged = 0, g = 0; unchanged < _options.Length && limit > 0; g = (g + 1) % _options.Length)
        {
            int length = _options[g].Window == 0 ? limit : LongestWindow(g, limit);
            unchanged = length == limit ? unchanged + 1 : 0;
            limit = length;
        }

        return limit;
    }

    private static long LeastCommonMultiple(long a, long b)
    {
        long x = a;
        for (long y = b; y != 0;)
        {
            (x, y) = (y, x % y);
        }

        return a / x * b;
    }

    private int AlignDown(int numTokens) => numTokens / _alignment * _alignment;

    private void ReadHashes(Sequence sequence, int numTokens)
    {
        for (int g = 0; g < _options.Length; g++)
        {
            if (_firstOfSize[g] < g)
            {
                continue;
            }

            UInt128 hash = sequence.Request.Hashes.Root;
            int count = numTokens / _options[g].BlockTokens;
            for (int i = 0; i < count; i++)
            {
                hash = HashOf(sequence, g, i, hash);
                _found[g][i] = hash;
            }
        }
    }

    private int LongestWhole(int group, int limit)
    {
        int blockTokens = _options[group].BlockTokens;
        int count = limit / blockTokens;
        int held = 0;
        while (held < count && _pools[group].Find(_found[group][held]) >= 0)
        {
            held++;
        }

        return AlignDown(held * blockTokens);
    }

    private int LongestWindow(int group, int limit)
    {
        KvGroupOptions options = _options[group];
        while (limit > 0)
        {
            int first = options.FirstVisibleBlock(limit);
            int block = (limit / options.BlockTokens) - 1;
            while (block >= first && _pools[group].Find(_found[group][block]) >= 0)
            {
                block--;
            }

            if (block < first)
            {
                break;
            }

            limit = AlignDown(block * options.BlockTokens);
        }

        return limit;
    }
}
