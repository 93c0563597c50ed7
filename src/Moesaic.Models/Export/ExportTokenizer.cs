using System.Globalization;
using System.Text.Json;
using Moesaic.Models.ChatTemplates;
using Moesaic.Models.Checkpoints.Gguf;
using Moesaic.Models.Configurations;
using Moesaic.Models.Tokenizers;
using Moesaic.Models.Tokenizers.Files;
using Moesaic.Models.Tokenizers.Gguf;
using Moesaic.Models.Tokenizers.PreTokenizers;

namespace Moesaic.Models.Export;

/// <summary>The tokenizer of a Hugging Face folder as GGUF keys: byte-level byte pairs (gpt2) and SentencePiece byte pairs (llama).</summary>
internal sealed class ExportTokenizer
{
    private const string Prefix = "tokenizer.ggml.";
    private const string Space = "\u2581";

    // Of names that stand for the same splitting, the best known ones.
    private static readonly string[] s_preferred = ["llama-bpe", "qwen2", "gpt-2", "olmo", "deepseek-v3", "bailingmoe2", "smollm", "gpt-4o", "tekken", "stablelm2", "dbrx"];

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

    /// <summary>Compares the tokenizer that a written file gives with the folder's over texts that are often split wrongly, and each token's text.</summary>
    /// <exception cref="ModelFormatException">They give different ids.</exception>
    public static void Verify(ExportSource source, GgufMetadata written)
    {
        Tokenizer original = TokenizerLoader.Load(source.Location.Folder!);
        Tokenizer found = TokenizerLoader.FromGguf(written);
        IEnumerable<string> tokens = Enumerable.Range(0, source.VocabularySize).Where(id => original.IdToToken(id) is not null).Select(id => original.Decode([id], skipSpecialTokens: false));
        foreach (string probe in s_probes.Concat(tokens))
        {
            IReadOnlyList<int> wanted = original.Encode(probe, addSpecialTokens: true), given = found.Encode(probe, addSpecialTokens: true);
            if (!wanted.SequenceEqual(given))
            {
                throw new ModelFormatException(
                    source.Location.Files!.TokenizerJson!,
                    "",
                    $"GGUF cannot say how this tokenizer works: '{probe}' would become [{string.Join(", ", given.Take(16))}] instead of [{string.Join(", ", wanted.Take(16))}].");
            }
        }
    }

    private void Add(JsonField root)
    {
        JsonField kind = root["model"];
        if (kind["type"].OptionalString() is { } type and not "BPE")
        {
            throw kind["type"].Error($"a tokenizer of kind {type} is not written to GGUF; byte-pair encodings are.");
        }

        int rows = _source.VocabularySize;
        if (_tokenizer.VocabularySize > rows)
        {
            throw root.Error($"it has {_tokenizer.VocabularySize} tokens, the model's embedding {rows} rows.");
        }

        List<(string Left, string Right)> merges = Merges(kind["merges"]);
        bool bytes = kind["byte_fallback"].OptionalBool(false);
        _pairs.Add(Prefix + "model", bytes ? "llama" : "gpt2");
        _pairs.Add(Prefix + "pre", bytes ? "default" : PreTokenizerName(root));
        string[] tokens = new string[rows];
        int[] types = new int[rows];
        string? unknown = kind["unk_token"].OptionalString();
        for (int id = 0; id < rows; id++)
        {
            string? token = _tokenizer.IdToToken(id);
            tokens[id] = token ?? string.Create(CultureInfo.InvariantCulture, $"[PAD{id}]");
            types[id] = (int)TypeOf(id, token, bytes, unknown);
        }

        _pairs.Add(Prefix + "tokens", tokens);
        _pairs.Add(Prefix + "token_type", types);
        if (bytes)
        {
            _pairs.Add(Prefix + "scores", Scores(tokens, merges));
            _pairs.Add(Prefix + "add_space_prefix", AddsSpace(root));
        }
        else
        {
            _pairs.Add(Prefix + "merges", [.. merges.Select(m => $"{m.Left} {m.Right}")]);
        }

        _pairs.Add(Prefix + "add_bos_token", _before is not null);
        _pairs.Add(Prefix + "add_eos_token", _after is not null);
    }

    private GgufTokenType TypeOf(int id, string? token, bool bytes, string? unknown)
    {
        if (token is null)
        {
            return GgufTokenType.Unused;
        }

        if (token == unknown && bytes)
        {
            return GgufTokenType.Unknown;
        }

        if (_tokenizer.AddedTokens.TryGetValue(id, out AddedToken? added))
        {
            return added.Special ? GgufTokenType.Control : GgufTokenType.UserDefined;
        }

        return bytes && token.Length == 6 && token.StartsWith("<0x", StringComparison.Ordinal) && token[5] == '>' ? GgufTokenType.Byte : GgufTokenType.Normal;
    }

    private static List<(string Left, string Right)> Merges(JsonField field)
    {
        List<(string, string)> merges = new(field.ArrayLength());
        foreach (JsonField item in field.Items())
        {
            if (item.Kind == JsonValueKind.Array && item.ArrayLength() == 2)
            {
                merges.Add((item.At(0).String(), item.At(1).String()));
                continue;
            }

            string text = item.String();
            int space = text.Length == 0 ? -1 : text.IndexOf(' ', 1);
            merges.Add(space > 0 ? (text[..space], text[(space + 1)..]) : throw item.Unexpected("two tokens parted by a space"));
        }

        return merges;
    }

    // The format orders merges by the score of their result: the rank of the first merge that gives it.
    private static float[] Scores(string[] tokens, List<(string Left, string Right)> merges)
    {
        Dictionary<string, int> ranks = new(StringComparer.Ordinal);
        for (int i = 0; i < merges.Count; i++)
        {
            ranks.TryAdd(merges[i].Left + merges[i].Right, i);
        }

        return Array.ConvertAll(tokens, token => ranks.TryGetValue(token, out int rank) ? -rank - 1f : 0);
    }

    private static bool AddsSpace(JsonField root)
    {
        JsonField normalizer = root["normalizer"], pre = root["pre_tokenizer"];
        IEnumerable<JsonField> parts = normalizer.IsNull ? [] : normalizer["type"].String() == "Sequence" ? normalizer["normalizers"].Items() : [normalizer];
        return parts.Any(p => p["type"].String() == "Prepend" && p["prepend"].String() == Space)
            || (!pre.IsNull && pre["type"].String() == "Metaspace" && PreTokenizerReader.ReadPrependScheme(pre) != PrependScheme.Never);
    }

    private static string PreTokenizerName(JsonField root)
    {
        List<string> patterns = [];
        JsonField pre = root["pre_tokenizer"], normalizer = root["normalizer"];
        IEnumerable<JsonField> parts = pre.IsNull ? [] : pre["type"].String() == "Sequence" ? pre["pretokenizers"].Items() : [pre];
        foreach (JsonField part in parts)
        {
            string? pattern = part["type"].String() switch
            {
                "Split" => part["pattern"]["Regex"].OptionalString(),
                "ByteLevel" => part["use_regex"].OptionalBool(true) ? ByteLevelPreTokenizer.Gpt2Pattern : "",
                "Digits" => part["individual_digits"].OptionalBool(false) ? @"\p{N}" : null,
                _ => null,
            };
            if (pattern is null)
            {
                throw part.Error("GGUF has no name for this way of splitting text.");
            }

            if (pattern.Length > 0)
            {
                patterns.Add(pattern);
            }
        }

        bool composes = !normalizer.IsNull && normalizer["type"].String() == "NFC";
        bool ignoresMerges = root["model"]["ignore_merges"].OptionalBool(false);
        string[] fitting = [.. s_preferred.Concat(PreTokenizerNames.Known).Where(name => PreTokenizerNames.Find(name) is { } kind
            && kind.ComposesText == composes && kind.Patterns.Select(Canonical).SequenceEqual(patterns.Select(Canonical)))];

        // Whether words that are tokens need their merges often makes no difference; Verify tries every token.
        return fitting.FirstOrDefault(name => PreTokenizerNames.Find(name)!.IgnoreMerges == ignoresMerges) ?? fitting.FirstOrDefault()
            ?? throw pre.Error($"GGUF has no name for a tokenizer that splits text by {string.Join(" then ", patterns.Select(p => $"'{p}'"))}{(composes ? " after NFC" : "")}{(ignoresMerges ? ", ignoring merges of whole words" : "")}.");
    }

    // Line ends come escaped and as they are.
    private static string Canonical(string pattern) =>
        pattern.Replace("\r", "\\r", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);

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
        AddId("unknown_token_id", tokenizer?.UnknownId);
        AddId("padding_token_id", tokenizer?.PaddingId);

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
