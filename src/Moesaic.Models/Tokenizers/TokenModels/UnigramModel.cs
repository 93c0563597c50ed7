using System.Buffers;
using System.Text;

namespace Moesaic.Models.Tokenizers.TokenModels;

/// <summary>Unigram language model: the segmentation whose scores (log probabilities) add up to the most, found by Viterbi.</summary>
internal sealed class UnigramModel : TokenModel
{
    private const double UnknownPenalty = 10;

    private readonly Vocabulary _ids;
    private readonly string[] _tokens;
    private readonly double[] _scores;
    private readonly StringTrie _trie;
    private readonly int[] _byteTokens;
    private readonly int _unknownId;
    private readonly double _unknownScore;

    /// <param name="tokens">Tokens by id with their scores.</param>
    /// <param name="unknownId">Id of the unknown token, or -1 for none.</param>
    /// <param name="byteFallback">Whether unknown characters become tokens &lt;0xNN&gt; of their UTF-8 bytes.</param>
    /// <param name="matches">Whether an id takes part in segmentation; all do when null.</param>
    /// <param name="leastScore">The score that unknown characters are ranked below; the least of all when null.</param>
    public UnigramModel(IReadOnlyList<(string Token, double Score)> tokens, int unknownId, bool byteFallback, Func<int, bool>? matches = null, double? leastScore = null)
    {
        _tokens = [.. tokens.Select(entry => entry.Token)];
        _scores = [.. tokens.Select(entry => entry.Score)];
        Dictionary<string, int> ids = [];
        for (int i = 0; i < _tokens.Length; i++)
        {
            ids[_tokens[i]] = i;
        }

        _ids = new Vocabulary(ids);
        _trie = new StringTrie(matches is null ? ids : ids.Where(pair => matches(pair.Value)));
        _byteTokens = byteFallback ? _ids.ByteTokens() : [];
        _unknownId = unknownId;
        _unknownScore = (leastScore ?? (_scores.Length == 0 ? 0 : _scores.Min())) - UnknownPenalty;
    }

    /// <inheritdoc/>
    public override int VocabularySize => _tokens.Length;

    /// <inheritdoc/>
    public override int TokenToId(ReadOnlySpan<char> token) => _ids.IdOf(token);

    /// <inheritdoc/>
    public override string? IdToToken(int id) => (uint)id < (uint)_tokens.Length ? _tokens[id] : null;

    /// <inheritdoc/>
    protected override void Tokenize(ReadOnlySpan<char> piece, List<int> ids)
    {
        if (!piece.IsEmpty)
        {
            Segment(piece, ids);
        }
    }

    private void Segment(ReadOnlySpan<char> piece, List<int> ids)
    {
        int size = piece.Length;
        double[] score = ArrayPool<double>.Shared.Rent(size + 1);
        int[] from = ArrayPool<int>.Shared.Rent(size + 1);
        int[] token = ArrayPool<int>.Shared.Rent(size + 1);
        try
        {
            Array.Fill(from, -1, 0, size + 1);
            score[0] = 0;
            for (int start = 0; start < size;)
            {
                int single = char.IsHighSurrogate(piece[start]) && start + 1 < size && char.IsLowSurrogate(piece[start + 1]) ? 2 : 1;
                bool hasSingle = false;
                for (int node = StringTrie.Root, end = start; end < size && (node = _trie.Child(node, piece[end])) >= 0;)
                {
                    end++;
                    if (_trie.ValueAt(node) is >= 0 and int id)
                    {
                        Offer(score, from, token, start, end, score[start] + _scores[id], id);
                        hasSingle |= end - start == single;
                    }
                }

                if (!hasSingle)
                {
                    if (_unknownId < 0)
                    {
                        throw new TokenizationException($"the character '{piece.Slice(start, single)}' is unknown and the model has no unknown token");
                    }

                    Offer(score, from, token, start, start + single, score[start] + _unknownScore, _unknownId);
                }

                start += single;
            }

            Collect(piece, from, token, ids);
        }
        finally
        {
            ArrayPool<double>.Shared.Return(score);
            ArrayPool<int>.Shared.Return(from);
            ArrayPool<int>.Shared.Return(token);
        }
    }

    private static void Offer(double[] score, int[] from, int[] token, int start, int end, double candidate, int id)
    {
        if (from[end] < 0 || candidate > score[end])
        {
            score[end] = candidate;
            from[end] = start;
            token[end] = id;
        }
    }

    // Walks the best path back to front; neighbouring unknown pieces become one.
    private void Collect(ReadOnlySpan<char> piece, int[] from, int[] token, List<int> ids)
    {
        int first = ids.Count;
        for (int end = piece.Length; end > 0;)
        {
            int start = from[end];
            if (token[end] != _unknownId)
            {
                ids.Add(token[end]);
                end = start;
                continue;
            }

            while (start > 0 && token[start] == _unknownId)
            {
                start = from[start];
            }

            AddUnknown(piece[start..end], ids);
            end = start;
        }

        ids.Reverse(first, ids.Count - first);
    }

    // In reverse order, as the whole path is turned around at the end.
    private void AddUnknown(ReadOnlySpan<char> text, List<int> ids)
    {
        int known = _ids.IdOf(text);
        if (known < 0 && _byteTokens.Length > 0)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(text.ToString());
            if (Array.TrueForAll(bytes, b => _byteTokens[b] >= 0))
            {
                for (int i = bytes.Length - 1; i >= 0; i--)
                {
                    ids.Add(_byteTokens[bytes[i]]);
                }

                return;
            }
        }

        ids.Add(known >= 0 ? known : _unknownId);
    }
}
