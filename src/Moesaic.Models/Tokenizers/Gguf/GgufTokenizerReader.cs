using Moesaic.Models.Checkpoints.Gguf;

namespace Moesaic.Models.Tokenizers.Gguf;

/// <summary>Reads the tokenizer keys of a GGUF file's metadata.</summary>
internal static class GgufTokenizerReader
{
    private const string Prefix = "tokenizer.ggml.";

    /// <exception cref="ModelFormatException">Something is missing, has a wrong type or contradicts something else.</exception>
    public static TokenizerParts Read(GgufMetadata metadata) => GgufTokenizerBuilder.Build(ReadData(metadata));

    private static GgufTokenizerData ReadData(GgufMetadata metadata)
    {
        string[] tokens = metadata.GetStringArray(Prefix + "tokens");
        metadata.TryGetString(Prefix + "pre", out string? pre);
        metadata.TryGetString("general.name", out string? modelName);
        metadata.TryGetStringArray(Prefix + "merges", out string[]? merges);
        metadata.TryGetByteArray(Prefix + "precompiled_charsmap", out byte[]? map);
        return new GgufTokenizerData
        {
            File = metadata.File,
            Model = metadata.GetString(Prefix + "model"),
            Pre = pre,
            ModelName = modelName,
            Tokens = tokens,
            Scores = Scores(metadata, tokens.Length),
            Types = Types(metadata, tokens.Length),
            Merges = merges ?? [],
            BosId = Id(metadata, "bos_token_id", tokens.Length),
            EosId = Id(metadata, "eos_token_id", tokens.Length),
            EotId = Id(metadata, "eot_token_id", tokens.Length),
            UnknownId = Id(metadata, "unknown_token_id", tokens.Length),
            PaddingId = Id(metadata, "padding_token_id", tokens.Length),
            ClsId = Id(metadata, "cls_token_id", tokens.Length),

            // The format's own spelling.
            SeparatorId = Id(metadata, "seperator_token_id", tokens.Length),
            AddBos = Flag(metadata, "add_bos_token"),
            AddEos = Flag(metadata, "add_eos_token"),
            AddSpacePrefix = Flag(metadata, "add_space_prefix"),
            RemoveExtraWhitespaces = Flag(metadata, "remove_extra_whitespaces"),
            Lowercase = Flag(metadata, "normalizer.lowercase"),
            StripAccents = Flag(metadata, "normalizer.strip_accents"),
            CharacterMap = map ?? [],
        };
    }

    private static float[] Scores(GgufMetadata metadata, int count)
    {
        if (!metadata.TryGetValue(Prefix + "scores", out _))
        {
            return new float[count];
        }

        float[] scores = metadata.GetSingleArray(Prefix + "scores");
        if (scores.Length != count)
        {
            throw new ModelFormatException(metadata.File, Prefix + "scores", $"{scores.Length} scores for {count} tokens.");
        }

        int wrong = Array.FindIndex(scores, score => !float.IsFinite(score));
        return wrong < 0 ? scores : throw new ModelFormatException(metadata.File, $"{Prefix}scores[{wrong}]", $"found {scores[wrong]}; expected a finite number.");
    }

    private static GgufTokenType[] Types(GgufMetadata metadata, int count)
    {
        if (!metadata.TryGetInt32Array(Prefix + "token_type", out int[]? types))
        {
            GgufTokenType[] normal = new GgufTokenType[count];
            Array.Fill(normal, GgufTokenType.Normal);
            return normal;
        }

        if (types.Length != count)
        {
            throw new ModelFormatException(metadata.File, Prefix + "token_type", $"{types.Length} types for {count} tokens.");
        }

        int wrong = Array.FindIndex(types, type => type is < 0 or > 6);
        return wrong < 0
            ? Array.ConvertAll(types, type => (GgufTokenType)type)
            : throw new ModelFormatException(metadata.File, $"{Prefix}token_type[{wrong}]", $"found {types[wrong]}; expected 0 to 6.");
    }

    private static int? Id(GgufMetadata metadata, string key, int count)
    {
        // All bits set is the converters' way to say "none".
        if (!metadata.TryGetInt64(Prefix + key, out long id) || id is -1 or uint.MaxValue)
        {
            return null;
        }

        return id >= 0 && id < count ? (int)id : throw new ModelFormatException(metadata.File, Prefix + key, $"found {id}; expected an id below {count}, the number of tokens.");
    }

    private static bool? Flag(GgufMetadata metadata, string key) => metadata.TryGetBoolean(Prefix + key, out bool value) ? value : null;
}
