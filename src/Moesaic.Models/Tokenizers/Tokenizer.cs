using System.Runtime.InteropServices;
using Moesaic.Models.Tokenizers.PreTokenizers;
using Moesaic.Models.Tokenizers.TokenModels;

namespace Moesaic.Models.Tokenizers;

/// <summary>Turns text into token ids and back, exactly as the files that it was loaded from prescribe.</summary>
/// <remarks>
/// Thread-safe. Truncation and padding settings of a file are not applied: lengths are the engine's business. Lone surrogates in
/// a text count as U+FFFD.
/// </remarks>
public sealed class Tokenizer
{
    private readonly TokenizerParts _parts;
    private readonly AddedVocabulary _added;
    private readonly PreTokenizer[] _preTokenizers;
    private readonly TokenModel _model;
    private readonly WordCachePool _caches = new();

    internal Tokenizer(TokenizerParts parts)
    {
        _parts = parts;
        _added = new AddedVocabulary(parts.AddedTokens, parts.Model, parts.Normalizer);
        _preTokenizers = [.. parts.PreTokenizers];
        _model = parts.Model;
        if (parts.Model is BpeModel model && _preTokenizers is [.. PreTokenizer[] before, ByteLevelPreTokenizer byteLevel])
        {
            // The model maps bytes only for words that it has not seen before.
            _model = model.ForPlainText();
            _preTokenizers = byteLevel.OnlyMaps ? before : [.. before, byteLevel.WithoutMapping()];
        }

        SpecialTokens special = parts.Special;
        (BosId, EosId, UnknownId, PaddingId) = (Find(special.Bos), Find(special.Eos), Find(special.Unknown), Find(special.Padding));
        SpecialIds = [.. _added.Tokens.Where(pair => pair.Value.Special).Select(pair => pair.Key).Order()];
    }

    /// <summary>Number of different tokens, added ones included. The model's own vocabulary may be padded beyond it.</summary>
    public int VocabularySize => _parts.Model.VocabularySize + _added.AddedBeyondModel;

    /// <summary>Texts of the tokens with a role.</summary>
    public SpecialTokens SpecialTokens => _parts.Special;

    /// <summary>Id of the beginning-of-sequence token, or null.</summary>
    public int? BosId { get; }

    /// <summary>Id of the end-of-sequence token, or null.</summary>
    public int? EosId { get; }

    /// <summary>Id of the unknown token, or null.</summary>
    public int? UnknownId { get; }

    /// <summary>Id of the padding token, or null.</summary>
    public int? PaddingId { get; }

    /// <summary>Ids of all special added tokens in ascending order.</summary>
    public IReadOnlyList<int> SpecialIds { get; }

    /// <summary>All added tokens by id.</summary>
    public IReadOnlyDictionary<int, AddedToken> AddedTokens => _added.Tokens;

    /// <summary>The ids of a text.</summary>
    /// <param name="text">The text.</param>
    /// <param name="addSpecialTokens">Whether the tokens that belong around every text (BOS, [CLS], ...) are added.</param>
    /// <exception cref="TokenizationException">The text cannot be encoded.</exception>
    public IReadOnlyList<int> Encode(string text, bool addSpecialTokens)
    {
        List<int> ids = [];
        Encode(text, addSpecialTokens, ids);
        return ids;
    }

    /// <summary>Appends the ids of a text.</summary>
    /// <inheritdoc cref="Encode(string, bool)"/>
    public void Encode(ReadOnlySpan<char> text, bool addSpecialTokens, IList<int> ids)
    {
        ArgumentNullException.ThrowIfNull(ids);
        List<int> result = [];
        Encode(text.ToString(), addSpecialTokens, result);
        foreach (int id in result)
        {
            ids.Add(id);
        }
    }

    /// <summary>The text of ids.</summary>
    /// <param name="ids">Ids; unknown ones give nothing.</param>
    /// <param name="skipSpecialTokens">Whether special tokens are left out.</param>
    public string Decode(IEnumerable<int> ids, bool skipSpecialTokens)
    {
        ArgumentNullException.ThrowIfNull(ids);
        StreamingDecoder decoder = CreateStreamingDecoder(skipSpecialTokens);
        foreach (int id in ids)
        {
            decoder.Accept(id);
        }

        return decoder.Flush();
    }

    /// <summary>A decoder that takes ids one by one.</summary>
    public StreamingDecoder CreateStreamingDecoder(bool skipSpecialTokens) => new(this, _parts.Decoder, skipSpecialTokens);

    /// <summary>The id of a token, or null.</summary>
    public int? TokenToId(string token)
    {
        ArgumentNullException.ThrowIfNull(token);
        int id = _added.TokenToId(token);
        id = id >= 0 ? id : _parts.Model.TokenToId(token);
        return id >= 0 ? id : null;
    }

    /// <summary>The token of an id as the vocabulary spells it, or null.</summary>
    public string? IdToToken(int id) => _added.IdToToken(id) ?? _parts.Model.IdToToken(id);

    internal bool IsSpecial(string token) => _added.IsSpecial(token);

    /// <summary>The same tokenizer with other parts.</summary>
    internal Tokenizer With(Func<TokenizerParts, TokenizerParts> change) => new(change(_parts));

    private int? Find(string? token) => token is null ? null : TokenToId(token);

    private void Encode(string text, bool addSpecialTokens, List<int> ids)
    {
        ArgumentNullException.ThrowIfNull(text);
        int from = ids.Count;
        List<Segment> segments = [], spare = [];
        _added.Split(WithoutLoneSurrogates(text), segments);
        foreach (PreTokenizer preTokenizer in _preTokenizers)
        {
            preTokenizer.Apply(ref segments, ref spare);
        }

        WordCache cache = _caches.Rent();
        foreach (ref readonly Segment segment in CollectionsMarshal.AsSpan(segments))
        {
            if (segment.Id >= 0)
            {
                ids.Add(segment.Id);
            }
            else
            {
                _model.Tokenize(segment.Span, cache, ids);
            }
        }

        _caches.Return(cache);
        _parts.PostProcessor?.Process(ids, from, addSpecialTokens);
    }

    private static string WithoutLoneSurrogates(string text)
    {
        int at = IndexOfLoneSurrogate(text, 0);
        if (at < 0)
        {
            return text;
        }

        char[] repaired = text.ToCharArray();
        for (; at >= 0; at = IndexOfLoneSurrogate(text, at + 1))
        {
            repaired[at] = '\uFFFD';
        }

        return new string(repaired);
    }

    private static int IndexOfLoneSurrogate(string text, int from)
    {
        for (int i = from; i < text.Length; i++)
        {
            int skip = text.AsSpan(i).IndexOfAnyInRange('\uD800', '\uDFFF');
            if (skip < 0)
            {
                return -1;
            }

            i += skip;
            if (!char.IsHighSurrogate(text[i]) || i + 1 == text.Length || !char.IsLowSurrogate(text[i + 1]))
            {
                return i;
            }

            i++;
        }

        return -1;
    }
}
