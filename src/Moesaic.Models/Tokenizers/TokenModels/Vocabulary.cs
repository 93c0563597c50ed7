namespace Moesaic.Models.Tokenizers.TokenModels;

/// <summary>Tokens by text and by id.</summary>
internal sealed class Vocabulary
{
    private readonly Dictionary<string, int> _ids;
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _idsBySpan;
    private readonly string?[] _dense = [];
    private readonly Dictionary<int, string> _sparse = [];

    public Vocabulary(Dictionary<string, int> ids)
    {
        _ids = ids;
        _idsBySpan = ids.GetAlternateLookup<ReadOnlySpan<char>>();
        int max = -1;
        foreach ((string token, int id) in ids)
        {
            max = Math.Max(max, id);
            MaxTokenLength = Math.Max(MaxTokenLength, token.Length);
        }

        if (max < (4L * ids.Count) + 1024)
        {
            _dense = new string?[max + 1];
        }

        foreach ((string token, int id) in ids)
        {
            if (_dense.Length > 0)
            {
                _dense[id] = token;
            }
            else
            {
                _sparse[id] = token;
            }
        }
    }

    public int Count => _ids.Count;

    /// <summary>Longest token in UTF-16 units.</summary>
    public int MaxTokenLength { get; }

    public int IdOf(ReadOnlySpan<char> token) => _idsBySpan.TryGetValue(token, out int id) ? id : -1;

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
}
