using System.Buffers;
using System.Text;

namespace Moesaic.Models.Tokenizers.TokenModels;

/// <summary>Byte-pair encoding: characters of a word are merged pair by pair, the merge with the lowest rank first, left to right.</summary>
internal sealed class BpeModel : TokenModel
{
    private const long MaxSymbols = 1 << 29;

    private readonly Vocabulary _vocabulary;
    private readonly MergeTable _merges;
    private readonly BpeOptions _options;
    private readonly PairMerger _merger;
    private readonly int[] _byteTokens;
    private readonly int _unknownId;
    private readonly Lazy<WordBoundaries?> _boundaries;

    // Ids of the bytes in the byte-level alphabet where the model takes plain text.
    private readonly int[]? _alphabet;

    // Ids of single characters of the basic plane up to U+01FF, which covers the byte-level alphabet.
    private readonly int[] _characterIds;

    /// <param name="vocabulary">All tokens.</param>
    /// <param name="merges">What merges into what.</param>
    /// <param name="options">Treatment of unknown characters and words.</param>
    public BpeModel(Vocabulary vocabulary, MergeTable merges, BpeOptions options)
        : this(vocabulary, merges, options, mapsBytes: false)
    {
    }

    private BpeModel(Vocabulary vocabulary, MergeTable merges, BpeOptions options, bool mapsBytes)
    {
        _vocabulary = vocabulary;
        _merges = merges;
        _options = options;
        _merger = new PairMerger(merges);
        _byteTokens = options.ByteFallback ? vocabulary.ByteTokens() : [];
        _unknownId = options.UnknownToken is { } unknown ? vocabulary.IdOf(unknown) : -1;
        _characterIds = new int[0x200];
        Span<char> one = stackalloc char[1];
        for (int c = 0; c < _characterIds.Length; c++)
        {
            one[0] = (char)c;
            _characterIds[c] = vocabulary.IdOf(one);
        }

        if (mapsBytes)
        {
            _alphabet = [.. Enumerable.Range(0, 256).Select(b => _characterIds[ByteLevelAlphabet.CharacterOf((byte)b)])];
        }

        _boundaries = new Lazy<WordBoundaries?>(FindBoundaries);
    }

    /// <inheritdoc/>
    public override int VocabularySize => _vocabulary.Count;

    /// <summary>The same model for text that has not yet been turned into the byte-level alphabet.</summary>
    public BpeModel ForPlainText() => new(_vocabulary, _merges, _options, mapsBytes: true);

    /// <inheritdoc/>
    public override int TokenToId(ReadOnlySpan<char> token) => _vocabulary.IdOf(token);

    /// <inheritdoc/>
    public override string? IdToToken(int id) => _vocabulary.TokenOf(id);

    /// <inheritdoc/>
    public override void Tokenize(ReadOnlySpan<char> piece, WordCache cache, List<int> ids)
    {
        if (piece.Length > WordCache.MaxWordLength && _boundaries.Value is { } boundaries)
        {
            while (piece.Length > WordCache.MaxWordLength && boundaries.Next(piece) is > 0 and int end)
            {
                base.Tokenize(piece[..end], cache, ids);
                piece = piece[end..];
            }
        }

        base.Tokenize(piece, cache, ids);
    }

    /// <inheritdoc/>
    protected override void Tokenize(ReadOnlySpan<char> piece, List<int> ids)
    {
        if (_alphabet is null)
        {
            TokenizeWord(piece, ids);
            return;
        }

        if (!_options.IgnoreMerges && TokenizeBytes(piece, _alphabet, ids))
        {
            return;
        }

        char[] mapped = ArrayPool<char>.Shared.Rent(piece.Length * 3);
        int length = ByteLevelAlphabet.Encode(piece, mapped);
        TokenizeWord(mapped.AsSpan(0, length), ids);
        ArrayPool<char>.Shared.Return(mapped);
    }

    // Straight from the bytes to their ids; false when a byte has none.
    private bool TokenizeBytes(ReadOnlySpan<char> piece, int[] alphabet, List<int> ids)
    {
        byte[] bytes = ArrayPool<byte>.Shared.Rent(piece.Length * 3);
        int[] symbols = ArrayPool<int>.Shared.Rent(piece.Length * 3);
        try
        {
            int count = Encoding.UTF8.GetBytes(piece, bytes);
            for (int i = 0; i < count; i++)
            {
                symbols[i] = alphabet[bytes[i]];
                if (symbols[i] < 0)
                {
                    return false;
                }
            }

            ids.AddRange(symbols.AsSpan(0, _merger.Merge(symbols, count)));
            return true;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes);
            ArrayPool<int>.Shared.Return(symbols);
        }
    }

    // Where words can be parted before anything is merged; null when the model looks at whole words.
    private WordBoundaries? FindBoundaries()
    {
        bool whole = _alphabet is not null || _options.IgnoreMerges || _options.ContinuingSubwordPrefix.Length > 0 || _options.EndOfWordSuffix.Length > 0;
        return whole || !_vocabulary.HasUniqueIds ? null : new WordBoundaries(_vocabulary.Tokens, _vocabulary);
    }

    private void TokenizeWord(ReadOnlySpan<char> word, List<int> ids)
    {
        if (word.IsEmpty)
        {
            return;
        }

        if (_options.IgnoreMerges && _vocabulary.IdOf(word) is >= 0 and int whole)
        {
            ids.Add(whole);
            return;
        }

        // Every character gives one id, or with byte fallback one for each byte of it and its prefix and suffix.
        long perUnit = _options.ByteFallback ? 3L * (1 + _options.ContinuingSubwordPrefix.Length + _options.EndOfWordSuffix.Length) : 1;
        long capacity = (word.Length * perUnit) + 2;
        if (capacity > MaxSymbols)
        {
            throw new TokenizationException($"a word of {word.Length} characters is too long: it may need {capacity} symbols");
        }

        int[] symbols = ArrayPool<int>.Shared.Rent((int)capacity);
        try
        {
            int count = Characters(word, symbols);
            count = _merger.Merge(symbols, count);
            ids.AddRange(symbols.AsSpan(0, count));
        }
        finally
        {
            ArrayPool<int>.Shared.Return(symbols);
        }
    }

    // Ids of the characters before any merge.
    private int Characters(ReadOnlySpan<char> word, int[] symbols)
    {
        int count = 0, pendingUnknown = -1;
        bool plain = _options.ContinuingSubwordPrefix.Length == 0 && _options.EndOfWordSuffix.Length == 0;
        for (int at = 0; at < word.Length;)
        {
            int length = char.IsHighSurrogate(word[at]) && at + 1 < word.Length && char.IsLowSurrogate(word[at + 1]) ? 2 : 1;
            ReadOnlySpan<char> character = plain ? word.Slice(at, length) : Dress(word.Slice(at, length), at == 0, at + length == word.Length);
            int id = plain && length == 1 && word[at] < _characterIds.Length ? _characterIds[word[at]] : _vocabulary.IdOf(character);
            at += length;
            if (id >= 0)
            {
                if (pendingUnknown >= 0)
                {
                    symbols[count++] = pendingUnknown;
                    pendingUnknown = -1;
                }

                symbols[count++] = id;
                continue;
            }

            // A waiting unknown token stays waiting across byte tokens, as in the reference.
            if (_options.ByteFallback && TryBytes(character, symbols, ref count))
            {
                continue;
            }

            if (_options.UnknownToken is null)
            {
                continue;
            }

            if (pendingUnknown >= 0 && !_options.FuseUnknown)
            {
                symbols[count++] = pendingUnknown;
            }

            pendingUnknown = _unknownId >= 0
                ? _unknownId
                : throw new TokenizationException($"the character '{character}' is unknown, and so is the unknown token '{_options.UnknownToken}'");
        }

        if (pendingUnknown >= 0)
        {
            symbols[count++] = pendingUnknown;
        }

        return count;
    }

    private string Dress(ReadOnlySpan<char> character, bool first, bool last) =>
        string.Concat(first ? "" : _options.ContinuingSubwordPrefix, character, last ? _options.EndOfWordSuffix : "");

    private bool TryBytes(ReadOnlySpan<char> character, int[] symbols, ref int count)
    {
        byte[] bytes = new byte[Encoding.UTF8.GetMaxByteCount(character.Length)];
        int length = Encoding.UTF8.GetBytes(character, bytes);
        for (int i = 0; i < length; i++)
        {
            if (_byteTokens[bytes[i]] < 0)
            {
                return false;
            }
        }

        for (int i = 0; i < length; i++)
        {
            symbols[count++] = _byteTokens[bytes[i]];
        }

        return true;
    }
}
