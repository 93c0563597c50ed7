using System.Text.Json;
using Moesaic.Models.Tokenizers.TokenModels;

namespace Moesaic.Models.Tokenizers.Files;

/// <summary>Reads the "model" of a tokenizer.json.</summary>
internal static class ModelReader
{
    public const int MaxId = 1 << 28;

    public static TokenModel Read(JsonField model)
    {
        model.Object();
        return TypeOf(model) switch
        {
            "BPE" => ReadBpe(model),
            "Unigram" => ReadUnigram(model),
            "WordPiece" => ReadWordPiece(model),
            "WordLevel" => new WordLevelModel(ReadVocabulary(model["vocab"]), model["unk_token"].String()),
            _ => throw model["type"].Unexpected("BPE, Unigram, WordPiece or WordLevel"),
        };
    }

    /// <summary>BPE, Unigram, WordPiece, WordLevel, or what else the file says.</summary>
    public static string TypeOf(JsonField model) => model["type"].OptionalString() ?? GuessType(model);

    /// <summary>Tokens and ids of an object.</summary>
    public static Vocabulary ReadVocabulary(JsonField field)
    {
        field.Object();
        Dictionary<string, int> ids = [];
        foreach (JsonProperty property in field.Element.EnumerateObject())
        {
            if (property.Value.ValueKind != JsonValueKind.Number || !property.Value.TryGetInt32(out int id) || id is < 0 or > MaxId)
            {
                throw new JsonField(field.File, $"{field.Path}[\"{property.Name}\"]", property.Value).Unexpected($"an id from 0 to {MaxId}");
            }

            ids[property.Name] = id;
        }

        return new Vocabulary(ids);
    }

    /// <summary>A byte-pair model from its vocabulary and ranked pairs.</summary>
    /// <exception cref="ModelFormatException">A merge needs a token that is not there.</exception>
    public static BpeModel BuildBpe(Vocabulary vocabulary, IReadOnlyList<(string Left, string Right)> merges, BpeOptions options, string file, string field)
    {
        MergeReader reader = new(vocabulary, merges.Count, options.ContinuingSubwordPrefix, file, field);
        foreach ((string left, string right) in merges)
        {
            reader.Add(left, right);
        }

        return new BpeModel(vocabulary, reader.Table, options);
    }

    private static string GuessType(JsonField model)
    {
        // Files of early versions name no type; the fields tell.
        if (model["merges"].Kind == JsonValueKind.Array)
        {
            return "BPE";
        }

        if (model["vocab"].Kind == JsonValueKind.Array)
        {
            return "Unigram";
        }

        return model["continuing_subword_prefix"].IsNull ? "WordLevel" : "WordPiece";
    }

    private static BpeModel ReadBpe(JsonField model)
    {
        JsonField dropout = model["dropout"];
        if (!dropout.IsNull && dropout.Double() != 0)
        {
            throw dropout.Unexpected("null: with dropout, encoding would be random");
        }

        BpeOptions options = new()
        {
            UnknownToken = model["unk_token"].OptionalString(),
            ContinuingSubwordPrefix = model["continuing_subword_prefix"].OptionalString() ?? "",
            EndOfWordSuffix = model["end_of_word_suffix"].OptionalString() ?? "",
            FuseUnknown = model["fuse_unk"].OptionalBool(false),
            ByteFallback = model["byte_fallback"].OptionalBool(false),
            IgnoreMerges = model["ignore_merges"].OptionalBool(false),
        };
        Vocabulary vocabulary = ReadVocabulary(model["vocab"]);
        return new BpeModel(vocabulary, MergeReader.Read(vocabulary, model["merges"], options.ContinuingSubwordPrefix), options);
    }

    private static UnigramModel ReadUnigram(JsonField model)
    {
        JsonField field = model["vocab"];
        List<(string, double)> tokens = new(field.ArrayLength());
        foreach (JsonField item in field.Items())
        {
            if (item.ArrayLength() != 2)
            {
                throw item.Unexpected("a token and its score");
            }

            tokens.Add((item.At(0).String(), item.At(1).Double()));
        }

        JsonField unknown = model["unk_id"];
        int unknownId = unknown.IsNull ? -1 : unknown.Int(0, tokens.Count - 1);
        return new UnigramModel(tokens, unknownId, model["byte_fallback"].OptionalBool(false));
    }

    private static WordPieceModel ReadWordPiece(JsonField model) => new(
        ReadVocabulary(model["vocab"]),
        model["unk_token"].OptionalString() ?? "[UNK]",
        model["continuing_subword_prefix"].OptionalString() ?? "##",
        model["max_input_chars_per_word"].IsNull ? 100 : model["max_input_chars_per_word"].Int());
}
