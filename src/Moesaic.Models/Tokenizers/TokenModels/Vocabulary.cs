using System.Numerics;
using System.Runtime.CompilerServices;

namespace Moesaic.Models.Tokenizers.TokenModels;

/// <summary>Tokens by text and by id. Immutable.</summary>
internal sealed class Vocabulary
{
    private readonly string[] _tokens;
    private readonly int[] _ids;
    private readonly Slot[] _slots;
    private readonly string?[] _dense = [];
    private readonly Dictionary<int, string> _sparse = [];

    public Vocabulary(IReadOnlyCollection<KeyValuePair<string, int>> ids)
    {
        _tokens = new string[ids.Count];
        _ids = new int[ids.Count];
        _slots = new Slot[BitOperations.RoundUpToPowerOf2((uint)(ids.Count * 3L / 2) + 1)];
        Array.Fill(_slots, new Slot { Entry = -1 });
        int max = -1, count = 0;
        foreach ((string token, int id) in ids)
        {
            (_tokens[count], _ids[count]) = (token, id);
            max = Math.Max(max, id);
            MaxTokenLength = Math.Max(MaxTokenLength, token.Length);
            Insert(token, count++);
        }

        if (max < (4L * ids.Count) + 1024)
        {
            _dense = new string?[max + 1];
        }

        for (int i = 0; i < _tokens.Length; i++)
        {
            if (_dense.Length > 0)
            {
                _dense[_ids[i]] = _tokens[i];
            }
            else
            {
                _sparse[_ids[i]] = _tokens[i];
            }
        }
    }

    public int Count => _tokens.Length;

    /// <summary>All tokens.</summary>
    public IReadOnlyCollection<string> Tokens => _tokens;

    /// <summary>Whether no two tokens share an id.</summary>
    public bool HasUniqueIds => _ids.Distinct().Count() == _ids.Length;

    /// <summary>Longest token in UTF-16 units.</summary>
    public int MaxTokenLength { get; }

    /// <summary>The id of a token, or -1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public int IdOf(ReadOnlySpan<char> token)
    {
        int hash = string.GetHashCode(token), mask = _slots.Length - 1;
        for (int at = hash & mask; ; at = (at + 1) & mask)
        {
            Slot slot = _slots[at];
            if (slot.Entry < 0)
            {
                return -1;
            }

            if (slot.Hash == hash && token.SequenceEqual(_tokens[slot.Entry]))
            {
                return _ids[slot.Entry];
            }
        }
    }

    public string? TokenOf(int id) => _dense.Length > 0
        ? (uint)id < (uint)_dense.Length ? _dense[id] : null
        : _sparse.GetValueOrDefault(id);

    /// <summary>Ids of the tokens &lt;0x00&gt; to &lt;0xFF&gt;, -1 where there is none.</summary>
    public int[] ByteTokens()
    {
        int[] result = new int[256];
        for (int i = 0; i < 256; i++)
        {
            result[i] = IdOf($"<0x{i:X2}>");
        }

        return result;
    }

    // The hash is seeded anew in every process, so that no file can make its tokens collide.
    private void Insert(string token, int entry)
    {
        int hash = string.GetHashCode(token), mask = _slots.Length - 1, at = hash & mask;
        while (_slots[at].Entry >= 0)
        {
            at = (at + 1) & mask;
        }

        _slots[at] = new Slot { Hash = hash, Entry = entry };
    }

    private struct Slot
    {
        public int Hash;
        public int Entry;
    }
}
