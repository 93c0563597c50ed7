using System.Globalization;
using Moesaic.Models.ChatTemplates;
using Moesaic.Models.Checkpoints.Gguf;
using Moesaic.Models.Configurations;
using Moesaic.Models.Tokenizers;
using Moesaic.Models.Tokenizers.Files;
using Moesaic.Models.Tokenizers.Gguf;

namespace Moesaic.Models.Export;

/// <summary>The tokenizer of a Hugging Face folder as GGUF keys: byte-level byte pairs (gpt2), SentencePiece byte pairs (llama) and unigrams (t5), word pieces (bert).</summary>
internal sealed class ExportTokenizer
{
    public const string Prefix = "tokenizer.ggml.";

    // Texts that tokenizers are known to split differently.
    private static readonly string[] s_probes =
    [
        "", "Hello, world!", " leading space", "two  spaces   three", "I'll don't WE'VE it's", "1234567 3.14 2nd", "a\nb\r\n\r\n c\n\n\nd", "tabs\tand \u00A0spaces",
        "na\u00EFve caf\u00E9 e\u0301", "\u4F60\u597D\uFF0C\u4E16\u754C", "\u0417\u0434\u0440\u0430\u0432", "\U0001F600\U0001F468\u200D\U0001F469", "for (int i = 0; i < n; ++i) { x[i] += y; }",
        "(a+b)*c != d/e; /* \u00E7 */", "trailing   ", "<s></s><|endoftext|>",
    ];

    private readonly ExportSource _source;
    private readonly Tokenizer _tokenizer;
    private readonly GgufPairs _pairs;

    // What is put around every text.
    private readonly int? _before;
    private readonly int? _after;

    private int? _unknown;

    private ExportTokenizer(ExportSource source, Tokenizer tokenizer, GgufPairs pairs)
    {
        _source = source;
        _tokenizer = tokenizer;
        _pairs = pairs;
        IReadOnlyList<int> around = tokenizer.Encode("a", addSpecialTokens: true), inside = tokenizer.Encode("a", addSpecialTokens: false);
        int at = Enumerable.Range(0, around.Count - inside.Count + 1).FirstOrDefault(i => around.Skip(i).Take(inside.Count).SequenceEqual(inside));
        _before = at > 0 ? around[0] : null;
        _after = at + inside.Count < around.Count ? around[^1] : null;
    }

    /// <summary>Adds tokenizer, end ids and chat template. A folder without a tokenizer gives end ids alone.</summary>
    /// <returns>Whether there is a tokenizer.</returns>
    /// <exception cref="ModelFormatException">The tokenizer is of a kind that GGUF has no name for.</exception>
    public static bool Add(ExportSource source, GgufPairs pairs)
    {
        if (!source.Location.Files!.HasTokenizer)
        {
            AddIds(source, null, pairs);
            return false;
        }

        string file = source.Location.Files.TokenizerJson ?? throw new ModelFormatException(source.Location.Name, "tokenizer", "there is no tokenizer.json, and the other forms are not written to GGUF; save the tokenizer as tokenizer.json.");
        ExportTokenizer export = new(source, TokenizerLoader.Load(source.Location.Folder!), pairs);
        JsonField.ReadFile(file, root =>
        {
            export.Add(root);
            return true;
        });
        AddIds(source, export, pairs);
        export.AddTemplates();
        return true;
    }

    /// <summary>Compares the tokenizer that a written file gives with the folder's: each token, its text, and texts that are often split wrongly.</summary>
    /// <exception cref="ModelFormatException">They give different tokens or ids.</exception>
    public static void Verify(ExportSource source, GgufMetadata written)
    {
        string file = source.Location.Files!.TokenizerJson!;
        Tokenizer original = TokenizerLoader.Load(source.Location.Folder!);
        Tokenizer found = TokenizerLoader.FromGguf(written);
        int[] ids = [.. Enumerable.Range(0, source.VocabularySize).Where(id => original.IdToToken(id) is not null)];
        int other = Array.FindIndex(ids, id => original.IdToToken(id) != found.IdToToken(id));
        if (other >= 0)
        {
            throw new ModelFormatException(file, "", $"GGUF cannot say what token {ids[other]} is: '{original.IdToToken(ids[other])}' would become '{found.IdToToken(ids[other])}'.");
        }

        // Unigrams: Hugging Face trims every kind of space at the end of a text, SentencePiece, which the format follows, only its own.
        bool isUnigram = written.GetString(Prefix + "model") == "t5";
        IEnumerable<string> tokens = ids.Select(id => original.Decode([id], skipSpecialTokens: false)).Select(text => isUnigram ? $"a{text}a" : text);
        foreach (string probe in s_probes.Concat(tokens))
        {
            IReadOnlyList<int> wanted = original.Encode(probe, addSpecialTokens: true), given = found.Encode(probe, addSpecialTokens: true);
            if (!wanted.SequenceEqual(given))
            {
                throw new ModelFormatException(
                    file,
                    "",
                    $"GGUF cannot say how this tokenizer works: '{probe}' would become [{string.Join(", ", given.Take(16))}] instead of [{string.Join(", ", wanted.Take(16))}].");
            }
        }
    }

    private void Add(JsonField root)
    {
        JsonField model = root["model"];
        int rows = _source.VocabularySize;
        if (_tokenizer.VocabularySize > rows)
        {
            throw root.Error($"it has {_tokenizer.VocabularySize} tokens, the model's embedding {rows} rows.");
        }

        string kind = ModelReader.TypeOf(model);
        bool isScored = kind == "Unigram" || (kind == "BPE" && model["byte_fallback"].OptionalBool(false));
        _unknown = kind == "Unigram" ? (model["unk_id"].IsNull ? null : model["unk_id"].Int()) : model["unk_token"].OptionalString() is { } name ? _tokenizer.TokenToId(name) : null;
        string?[] tokens = [.. Enumerable.Range(0, rows).Select(_tokenizer.IdToToken)];
        switch (kind)
        {
            case "BPE":
                BytePairKeys.Add(root, tokens, _pairs);
                break;
            case "Unigram":
                UnigramKeys.Add(root, rows, _pairs);
                break;
            case "WordPiece":
                WordPieceKeys.Add(root, _before, _after, _pairs);
                break;
            default:
                throw model["type"].Error($"a tokenizer of kind {kind} is not written to GGUF; byte pairs, unigrams and word pieces are.");
        }

        _pairs.Add(Prefix + "tokens", [.. tokens.Select((token, id) => token is null ? string.Create(CultureInfo.InvariantCulture, $"[PAD{id}]") : kind == "WordPiece" ? WordPieceKeys.Stored(token) : token)]);
        _pairs.Add(Prefix + "token_type", [.. tokens.Select((token, id) => (int)TypeOf(id, token, isScored))]);
        _pairs.Add(Prefix + "add_bos_token", _before is not null);
        _pairs.Add(Prefix + "add_eos_token", _after is not null);
    }

    // A name of the unknown token that no text is searched for is a token like any other.
    private GgufTokenType TypeOf(int id, string? token, bool isScored)
    {
        if (token is null)
        {
            return GgufTokenType.Unused;
        }

        if (_tokenizer.AddedTokens.TryGetValue(id, out AddedToken? added))
        {
            return id == _unknown && isScored ? GgufTokenType.Unknown : added.Special ? GgufTokenType.Control : GgufTokenType.UserDefined;
        }

        return isScored && token.Length == 6 && token.StartsWith("<0x", StringComparison.Ordinal) && token[5] == '>' ? GgufTokenType.Byte : GgufTokenType.Normal;
    }

    private static void AddIds(ExportSource source, ExportTokenizer? export, GgufPairs pairs)
    {
        Tokenizer? tokenizer = export?._tokenizer;
        JsonConfig config = source.Config.Raw;
        IReadOnlyList<int> ends = EndOfGeneration.FromHuggingFace(config, JsonConfig.LoadIfPresent(source.Location.Files!.GenerationConfig), null, null);
        int? bos = export?._before ?? tokenizer?.BosId ?? (config.TryGetInt32OrArray("bos_token_id", out int[]? first) && first.Length > 0 ? first[0] : null);
        int? eos = export?._after ?? tokenizer?.EosId ?? (ends.Count > 0 ? ends[0] : null);
        AddId("bos_token_id", bos);
        AddId("eos_token_id", eos);
        AddId("eot_token_id", ends.Select(id => (int?)id).FirstOrDefault(id => id != eos));
        AddId("unknown_token_id", tokenizer?.UnknownId ?? export?._unknown);

        // XLM-R counts positions from the configuration's, whatever the tokenizer says.
        AddId("padding_token_id", tokenizer?.PaddingId ?? (tokenizer is not null && config.TryGetInt32("pad_token_id", out int padding) ? padding : null));

        void AddId(string key, int? id)
        {
            if (id is { } known && known >= 0 && known < source.VocabularySize)
            {
                pairs.Add(Prefix + key, known);
            }
        }
    }

    private void AddTemplates()
    {
        foreach ((string name, string template) in ChatTemplateSource.InFolder(_source.Location.Files!)?.Templates ?? new Dictionary<string, string>())
        {
            _pairs.Add(name == "default" ? "tokenizer.chat_template" : "tokenizer.chat_template." + name, template);
        }
    }
}
