using System.Buffers;

namespace Moesaic.Models.Tokenizers.TokenModels;

/// <summary>
/// Places where a text can be parted before its characters are merged without changing the result: between two characters
/// that stand side by side in no token, nothing can ever merge. Models without a pre-tokenizer get words to cache that way.
/// </summary>
internal sealed class WordBoundaries
{
    // A character with more predecessors than this rarely begins a word.
    private const int MaxPredecessors = 32;

    private readonly HashSet<uint> _pairs = [];
    private readonly SearchValues<char> _starts;
    private readonly Vocabulary? _known;

    /// <param name="tokens">All texts that can come out of merging.</param>
    /// <param name="known">When given, both characters at a boundary must be tokens, as unknown ones may depend on each other.</param>
    public WordBoundaries(IEnumerable<string> tokens, Vocabulary? known = null)
    {
        _known = known;
        int[] predecessors = new int[char.MaxValue + 1];
        bool[] begins = new bool[char.MaxValue + 1];
        foreach (string token in tokens)
        {
            if (token.Length > 0)
            {
                begins[token[0]] = true;
            }

            for (int i = 1; i < token.Length; i++)
            {
                if (_pairs.Add(((uint)token[i - 1] << 16) | token[i]))
                {
                    predecessors[token[i]]++;
                }
            }
        }

        _starts = SearchValues.Create([.. Enumerable.Range(0, char.MaxValue + 1)
            .Where(c => begins[c] && predecessors[c] <= MaxPredecessors && !char.IsSurrogate((char)c))
            .Select(c => (char)c)]);
    }

    /// <summary>The first place after the start where the text can be parted, or -1.</summary>
    public int Next(ReadOnlySpan<char> text)
    {
        for (int at = 1; at < text.Length; at++)
        {
            int skip = text[at..].IndexOfAny(_starts);
            if (skip < 0)
            {
                return -1;
            }

            at += skip;
            char before = text[at - 1];
            if (!char.IsSurrogate(before) && !_pairs.Contains(((uint)before << 16) | text[at])
                && (_known is null || (_known.IdOf(text.Slice(at - 1, 1)) >= 0 && _known.IdOf(text.Slice(at, 1)) >= 0)))
            {
                return at;
            }
        }

        return -1;
    }
}
