using System.Globalization;
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
        string type = model["type"].OptionalString() ?? GuessType(model);
        return type switch
        {
            "BPE" => ReadBpe(model),
            "Unigram" => ReadUnigram(model),
            "WordPiece" => ReadWordPiece(model),
            "WordLevel" => new WordLevelModel(ReadVocabulary(model["vocab"]), model["unk_token"].String()),
            _ => throw model["type"].Unexpected("BPE, Unigram, WordPiece or WordLevel"),
        };
    }

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
        Dictionary<long, (int Rank, int Id)> table = new(merges.Count);
        for (int rank = 0; rank < merges.Count; rank++)
        {
            (string left, string right) = merges[rank];
            if (right.Length < options.ContinuingSubwordPrefix.Length)
            {
                throw new ModelFormatException(file, string.Create(CultureInfo.InvariantCulture, $"{field}[{rank}]"), $"'{right}' is shorter than the prefix '{options.ContinuingSubwordPrefix}'");
            }

            int leftId = Require(left), rightId = Require(right);
            int id = Require(string.Concat(left, right.AsSpan(options.ContinuingSubwordPrefix.Length)));
            table[BpeModel.PairKey(leftId, rightId)] = (rank, id);

            int Require(string token) => vocabulary.IdOf(token) is >= 0 and int known
                ? known
                : throw new ModelFormatException(file, string.Create(CultureInfo.InvariantCulture, $"{field}[{rank}]"), $"'{left} {right}' needs the token '{token}', which is not in the vocabulary");
        }

        return new BpeModel(vocabulary, table, options);
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
        JsonField mergesField = model["merges"];
        List<(string Left, string Right)> merges = new(mergesField.ArrayLength());
        int index = 0;
        foreach (JsonElement item in mergesField.Element.EnumerateArray())
        {
            merges.Add(ReadMerge(mergesField, item, index++));
        }

        return BuildBpe(ReadVocabulary(model["vocab"]), merges, options, model.File, mergesField.Path);
    }

    private static (string Left, string Right) ReadMerge(JsonField field, JsonElement item, int index)
    {
        if (item.ValueKind == JsonValueKind.Array && item.GetArrayLength() == 2
            && item[0].ValueKind == JsonValueKind.String && item[1].ValueKind == JsonValueKind.String)
        {
            return (item[0].GetString()!, item[1].GetString()!);
        }

        if (item.ValueKind == JsonValueKind.String)
        {
            string text = item.GetString()!;
            int space = text.IndexOf(' ', StringComparison.Ordinal);
            if (space >= 0 && text.IndexOf(' ', space + 1) < 0)
            {
                return (text[..space], text[(space + 1)..]);
            }
        }

        throw field.At(index).Unexpected("two tokens, as an array or parted by one space");
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
