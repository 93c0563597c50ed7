using System.Buffers;
using System.Globalization;
using Moesaic.Models.Tokenizers.Normalizers;
using Moesaic.Models.Tokenizers.PreTokenizers;
using Moesaic.Models.Tokenizers.TokenModels;
using Moesaic.Models.Unicode;

namespace Moesaic.Models.Tokenizers;

/// <summary>The added tokens: their ids, and finding them in text (leftmost, of these the longest).</summary>
internal sealed class AddedVocabulary
{
    private readonly Dictionary<string, int> _ids = [];
    private readonly Dictionary<int, AddedToken> _tokens = [];
    private readonly Dictionary<int, string> _normalizedTexts = [];
    private readonly HashSet<string> _specialTexts = [];
    private readonly TextNormalizer? _normalizer;
    private readonly Finder _raw;
    private readonly Finder _normalized;

    /// <param name="tokens">Tokens in the order of the file. The model's ids win; unknown tokens get the next free ids.</param>
    /// <param name="model">The model.</param>
    /// <param name="normalizer">The normalizer of the text.</param>
    public AddedVocabulary(IEnumerable<AddedToken> tokens, TokenModel model, TextNormalizer? normalizer)
    {
        _normalizer = normalizer;
        int nextId = model.VocabularySize;
        foreach (AddedToken token in tokens)
        {
            if (token.Content.Length == 0)
            {
                continue;
            }

            if (!_ids.TryGetValue(token.Content, out int id))
            {
                id = model.TokenToId(token.Content);
                id = id >= 0 ? id : nextId++;
            }

            if (token.Normalized && normalizer is not null)
            {
                string normalized = normalizer.Normalize(token.Content);
                if (normalized != token.Content)
                {
                    _normalizedTexts[id] = normalized;
                }
            }

            _ids[token.Content] = id;
            _tokens[id] = token;
            if (token.Special)
            {
                _specialTexts.Add(token.Content);
            }
        }

        _raw = new Finder(_tokens.Where(pair => !pair.Value.Normalized).Select(pair => KeyValuePair.Create(pair.Value.Content, pair.Key)), _tokens);
        _normalized = new Finder(
            _tokens.Where(pair => pair.Value.Normalized).Select(pair => KeyValuePair.Create(_normalizedTexts.GetValueOrDefault(pair.Key, pair.Value.Content), pair.Key)),
            _tokens);
        AddedBeyondModel = _ids.Keys.Count(text => model.TokenToId(text) < 0);
    }

    /// <summary>How many tokens the model does not have.</summary>
    public int AddedBeyondModel { get; }

    /// <summary>All added tokens by id.</summary>
    public IReadOnlyDictionary<int, AddedToken> Tokens => _tokens;

    public int TokenToId(string token) => _ids.GetValueOrDefault(token, -1);

    public string? IdToToken(int id) => _tokens.TryGetValue(id, out AddedToken? token) ? _normalizedTexts.GetValueOrDefault(id, token.Content) : null;

    public bool IsSpecial(string token) => _specialTexts.Contains(token);

    /// <summary>Cuts out the added tokens and normalizes what lies between them.</summary>
    public void Split(string text, List<Segment> segments)
    {
        List<Segment> raw = [];
        _raw.Split(new Segment(text, 0, text.Length, -1, true), raw);
        foreach (Segment segment in raw)
        {
            if (segment.Id >= 0)
            {
                segments.Add(segment);
                continue;
            }

            Segment current = segment;
            if (_normalizer is not null)
            {
                bool keepsStart = true;
                current = segment.With(_normalizer.Normalize(segment.Text, ref keepsStart));
                current = current with { AtOrigin = current.AtOrigin && keepsStart };
            }

            _normalized.Split(current, segments);
        }
    }

    /// <summary>Search for one of the two groups of tokens.</summary>
    private sealed class Finder
    {
        private readonly StringTrie _trie;
        private readonly SearchValues<char> _firstUnits;
        private readonly bool _isEmpty;
        private readonly Dictionary<int, AddedToken> _tokens;

        public Finder(IEnumerable<KeyValuePair<string, int>> entries, Dictionary<int, AddedToken> tokens)
        {
            _trie = new StringTrie(entries);
            _tokens = tokens;
            char[] first = _trie.FirstUnits;
            _isEmpty = first.Length == 0;
            _firstUnits = SearchValues.Create(first);
        }

        public void Split(Segment segment, List<Segment> to)
        {
            ReadOnlySpan<char> text = segment.Span;
            int done = 0;
            for (int at = 0; !_isEmpty && at < text.Length;)
            {
                int skip = text[at..].IndexOfAny(_firstUnits);
                if (skip < 0)
                {
                    break;
                }

                at += skip;
                int length = _trie.LongestPrefix(text[at..], out int id);
                if (length == 0)
                {
                    at++;
                    continue;
                }

                int start = at, stop = at + length;
                at = stop;
                AddedToken token = _tokens[id];
                if (token.SingleWord && ((start > 0 && EndsWithWord(text[..start])) || (stop < text.Length && StartsWithWord(text[stop..]))))
                {
                    continue;
                }

                if (token.LeftStrip)
                {
                    while (start > done && UnicodeInfo.IsWhiteSpace(text[start - 1]))
                    {
                        start--;
                    }
                }

                while (token.RightStrip && stop < text.Length && UnicodeInfo.IsWhiteSpace(text[stop]))
                {
                    stop++;
                }

                Add(segment, done, start, -1, to);
                to.Add(segment.Slice(start, stop) with { Id = id });
                done = stop;
            }

            Add(segment, done, text.Length, -1, to);
        }

        private static void Add(Segment segment, int from, int end, int id, List<Segment> to)
        {
            if (from < end)
            {
                to.Add(segment.Slice(from, end) with { Id = id });
            }
        }

        private static bool EndsWithWord(ReadOnlySpan<char> text)
        {
            int last = text.Length > 1 && char.IsLowSurrogate(text[^1]) && char.IsHighSurrogate(text[^2]) ? text.Length - 2 : text.Length - 1;
            return IsWord(UnicodeInfo.CodePointAt(text, last, out _));
        }

        private static bool StartsWithWord(ReadOnlySpan<char> text) => IsWord(UnicodeInfo.CodePointAt(text, 0, out _));

        private static bool IsWord(int codePoint)
        {
            UnicodeCategory category = UnicodeInfo.GetCategory(codePoint);
            return UnicodeInfo.IsAlphabetic(codePoint) || UnicodeInfo.IsMark(category) || codePoint is 0x200C or 0x200D
                || category is UnicodeCategory.DecimalDigitNumber or UnicodeCategory.ConnectorPunctuation;
        }
    }
}
