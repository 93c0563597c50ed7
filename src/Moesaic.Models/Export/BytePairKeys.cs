using System.Text.Json;
using Moesaic.Models.Checkpoints.Gguf;
using Moesaic.Models.Tokenizers.Files;
using Moesaic.Models.Tokenizers.Gguf;
using Moesaic.Models.Tokenizers.PreTokenizers;

namespace Moesaic.Models.Export;

/// <summary>Byte-pair encodings as GGUF keys: byte-level ones by the name of their splitting and their merges, SentencePiece's by scores.</summary>
internal static class BytePairKeys
{
    private const string Space = "\u2581";

    // Of names that stand for the same splitting, the best known ones.
    private static readonly string[] s_preferred = ["llama-bpe", "qwen2", "gpt-2", "olmo", "deepseek-v3", "bailingmoe2", "smollm", "gpt-4o", "tekken", "stablelm2", "dbrx"];

    /// <param name="root">tokenizer.json.</param>
    /// <param name="tokens">Tokens by id.</param>
    /// <param name="pairs">Receives the keys.</param>
    /// <exception cref="ModelFormatException">GGUF has no name for the way in which it splits text.</exception>
    public static void Add(JsonField root, string?[] tokens, GgufPairs pairs)
    {
        JsonField model = root["model"];
        List<(string Left, string Right)> merges = Merges(model["merges"]);
        bool bytes = model["byte_fallback"].OptionalBool(false);
        pairs.Add(ExportTokenizer.Prefix + "model", bytes ? "llama" : "gpt2");
        pairs.Add(ExportTokenizer.Prefix + "pre", bytes ? "default" : PreTokenizerName(root));
        if (bytes)
        {
            pairs.Add(ExportTokenizer.Prefix + "scores", Scores(tokens, merges));
            pairs.Add(ExportTokenizer.Prefix + "add_space_prefix", AddsSpace(root));
        }
        else
        {
            pairs.Add(ExportTokenizer.Prefix + "merges", [.. merges.Select(m => $"{m.Left} {m.Right}")]);
        }
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
    private static float[] Scores(string?[] tokens, List<(string Left, string Right)> merges)
    {
        Dictionary<string, int> ranks = new(StringComparer.Ordinal);
        for (int i = 0; i < merges.Count; i++)
        {
            ranks.TryAdd(merges[i].Left + merges[i].Right, i);
        }

        return Array.ConvertAll(tokens, token => token is not null && ranks.TryGetValue(token, out int rank) ? -rank - 1f : 0);
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
}
