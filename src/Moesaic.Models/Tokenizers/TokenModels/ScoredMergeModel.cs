using System.Buffers;
using System.Text;

namespace Moesaic.Models.Tokenizers.TokenModels;

/// <summary>
/// SentencePiece's byte-pair encoding: of all neighbours whose joined text is a token, those with the best score are joined
/// first, from left to right. Characters that are no token become byte tokens.
/// </summary>
internal sealed class ScoredMergeModel : TokenModel
{
    private readonly Vocabulary _vocabulary;
    private readonly string[] _tokens;
    private readonly float[] _scores;
    private readonly bool[] _unused;
    private readonly int[] _byteTokens;
    private readonly int _unknownId;
    private readonly Lazy<WordBoundaries> _boundaries;

    /// <param name="tokens">Tokens by id.</param>
    /// <param name="scores">Their scores.</param>
    /// <param name="unknownId">Id of the unknown token, or -1.</param>
    /// <param name="byteFallback">Whether unknown characters become byte tokens.</param>
    /// <param name="joins">Whether an id may come out of joining; control tokens do not.</param>
    /// <param name="isUnused">Whether an id only helps to join further and is taken apart again at the end.</param>
    public ScoredMergeModel(string[] tokens, float[] scores, int unknownId, bool byteFallback, Func<int, bool> joins, Func<int, bool> isUnused)
    {
        Dictionary<string, int> ids = [];
        _unused = new bool[tokens.Length];
        for (int i = 0; i < tokens.Length; i++)
        {
            _unused[i] = isUnused(i);
            if (joins(i))
            {
                ids.TryAdd(tokens[i], i);
            }
        }

        _vocabulary = new Vocabulary(ids);
        _boundaries = new Lazy<WordBoundaries>(() => new WordBoundaries(ids.Keys));
        _tokens = tokens;
        _scores = scores;
        _unknownId = unknownId;
        _byteTokens = new int[256];
        for (int i = 0; i < 256; i++)
        {
            _byteTokens[i] = byteFallback ? Array.IndexOf(tokens, $"<0x{i:X2}>") : -1;
        }
    }

    /// <inheritdoc/>
    public override int VocabularySize => _tokens.Length;

    /// <inheritdoc/>
    public override int TokenToId(ReadOnlySpan<char> token)
    {
        int id = _vocabulary.IdOf(token);
        return id >= 0 ? id : Array.IndexOf(_tokens, token.ToString());
    }

    /// <inheritdoc/>
    public override string? IdToToken(int id) => (uint)id < (uint)_tokens.Length ? _tokens[id] : null;

    /// <inheritdoc/>
    public override void Tokenize(ReadOnlySpan<char> piece, WordCache cache, List<int> ids)
    {
        while (piece.Length > WordCache.MaxWordLength && _boundaries.Value.Next(piece) is > 0 and int end)
        {
            base.Tokenize(piece[..end], cache, ids);
            piece = piece[end..];
        }

        base.Tokenize(piece, cache, ids);
    }

    /// <inheritdoc/>
    protected override void Tokenize(ReadOnlySpan<char> piece, List<int> ids)
    {
        int[] start = ArrayPool<int>.Shared.Rent(piece.Length + 1);
        int[] next = ArrayPool<int>.Shared.Rent(piece.Length + 1);
        int[] previous = ArrayPool<int>.Shared.Rent(piece.Length + 1);
        try
        {
            int count = 0;
            for (int at = 0; at < piece.Length; count++)
            {
                start[count] = at;
                next[count] = count + 1;
                previous[count] = count - 1;
                at += char.IsHighSurrogate(piece[at]) && at + 1 < piece.Length && char.IsLowSurrogate(piece[at + 1]) ? 2 : 1;
            }

            start[count] = piece.Length;
            Dictionary<(int Start, int End), int> splits = Join(piece, start, next, previous, count);
            for (int i = 0; i < count; i = next[i])
            {
                Emit(piece, start[i], start[next[i]], splits, ids);
            }
        }
        finally
        {
            ArrayPool<int>.Shared.Return(start);
            ArrayPool<int>.Shared.Return(next);
            ArrayPool<int>.Shared.Return(previous);
        }
    }

    // Joins symbols; where an unused token came out, remembers where it was joined.
    private Dictionary<(int Start, int End), int> Join(ReadOnlySpan<char> piece, int[] start, int[] next, int[] previous, int count)
    {
        Dictionary<(int Start, int End), int> splits = [];
        PriorityQueue<(int Left, int Right, int End), (float Cost, int Left)> queue = new(count);
        bool[] gone = new bool[count];
        for (int i = 0; i + 1 < count; i++)
        {
            Offer(piece, start, next, queue, i, i + 1, count, splits);
        }

        while (queue.TryDequeue(out (int Left, int Right, int End) top, out _))
        {
            if (gone[top.Left] || next[top.Left] != top.Right || start[next[top.Right]] != top.End)
            {
                continue;
            }

            gone[top.Right] = true;
            int after = next[top.Right];
            next[top.Left] = after;
            if (after < count)
            {
                previous[after] = top.Left;
                Offer(piece, start, next, queue, top.Left, after, count, splits);
            }

            if (previous[top.Left] >= 0)
            {
                Offer(piece, start, next, queue, previous[top.Left], top.Left, count, splits);
            }
        }

        return splits;
    }

    private void Offer(ReadOnlySpan<char> piece, int[] start, int[] next, PriorityQueue<(int Left, int Right, int End), (float Cost, int Left)> queue, int left, int right, int count, Dictionary<(int Start, int End), int> splits)
    {
        int end = start[next[right]];
        int length = end - start[left];
        if (right >= count || length > _vocabulary.MaxTokenLength || _vocabulary.IdOf(piece.Slice(start[left], length)) is not (>= 0 and int id))
        {
            return;
        }

        queue.Enqueue((left, right, end), (-_scores[id], left));
        if (_unused[id])
        {
            splits[(start[left], end)] = start[right];
        }
    }

    private void Emit(ReadOnlySpan<char> piece, int from, int to, Dictionary<(int Start, int End), int> splits, List<int> ids)
    {
        Stack<(int From, int To)>? later = null;
        while (true)
        {
            ReadOnlySpan<char> text = piece[from..to];
            int id = _vocabulary.IdOf(text);
            if (id >= 0 && _unused[id] && splits.TryGetValue((from, to), out int middle))
            {
                (later ??= new()).Push((middle, to));
                to = middle;
                continue;
            }

            if (id >= 0)
            {
                ids.Add(id);
            }
            else
            {
                EmitBytes(text, ids);
            }

            if (later is null || !later.TryPop(out (int From, int To) rest))
            {
                return;
            }

            (from, to) = rest;
        }
    }

    private void EmitBytes(ReadOnlySpan<char> text, List<int> ids)
    {
        Span<byte> bytes = stackalloc byte[8];
        int count = Encoding.UTF8.GetBytes(text, bytes);
        bool known = true;
        foreach (byte b in bytes[..count])
        {
            known &= _byteTokens[b] >= 0;
        }

        if (!known)
        {
            if (_unknownId < 0)
            {
                throw new TokenizationException($"the character '{text}' is unknown and the model has no unknown token");
            }

            ids.Add(_unknownId);
            return;
        }

        foreach (byte b in bytes[..count])
        {
            ids.Add(_byteTokens[b]);
        }
    }
}
