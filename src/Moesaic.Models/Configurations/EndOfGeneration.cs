using Moesaic.Models.Checkpoints.Gguf;

namespace Moesaic.Models.Configurations;

/// <summary>
/// The tokens at which generation ends: the union of what all files of a model say, and of well-known end-of-turn
/// tokens that the vocabulary holds. Many files name only one of several (a GGUF of a chat model often only the base
/// model's), and generation would then run past the end of the answer.
/// </summary>
public static class EndOfGeneration
{
    private const int ControlToken = 3;
    private const int UserDefinedToken = 4;

    /// <summary>Texts of special tokens that end a turn or a document, over all families.</summary>
    public static IReadOnlyList<string> KnownTexts { get; } =
    [
        "<|endoftext|>", "<|end_of_text|>", "<|eot_id|>", "<|eom_id|>", "<|eot|>", "<|im_end|>", "<|end|>", "<|return|>", "<|call|>",
        "<|role_end|>", "<end_of_turn>", "<|endofresponse|>", "<|end_of_turn|>", "<|END_OF_TURN_TOKEN|>", "<EOT>", "<｜end▁of▁sentence｜>",
    ];

    /// <summary>From a Hugging Face folder.</summary>
    /// <param name="config">config.json.</param>
    /// <param name="generationConfig">generation_config.json, or null.</param>
    /// <param name="endToken">The text of the tokenizer's end token, or null.</param>
    /// <param name="findSpecialToken">The id of a special (added) token by its text, or null; null where there is no tokenizer.</param>
    /// <returns>Ascending ids; may be empty.</returns>
    /// <exception cref="ModelFormatException">An id is negative or has a wrong type.</exception>
    public static IReadOnlyList<int> FromHuggingFace(JsonConfig config, JsonConfig? generationConfig, string? endToken, Func<string, int?>? findSpecialToken)
    {
        ArgumentNullException.ThrowIfNull(config);
        SortedSet<int> ids = [];
        AddIds(config, ids);
        AddIds(generationConfig, ids);
        if (findSpecialToken is not null)
        {
            if (endToken is not null && findSpecialToken(endToken) is { } id)
            {
                ids.Add(id);
            }

            AddKnown(findSpecialToken, ids);
        }

        return [.. ids];
    }

    /// <summary>From the metadata of a GGUF file: eos, eot and eom ids and the known texts among its special tokens.</summary>
    /// <returns>Ascending ids; may be empty.</returns>
    /// <exception cref="ModelFormatException">An id lies outside the vocabulary, or a key has a wrong type.</exception>
    public static IReadOnlyList<int> FromGguf(GgufMetadata metadata)
    {
        ArgumentNullException.ThrowIfNull(metadata);
        bool hasTokens = metadata.TryGetStringTable("tokenizer.ggml.tokens", out GgufStringTable? tokens);
        SortedSet<int> ids = [];
        foreach (string key in (ReadOnlySpan<string>)["tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id", "tokenizer.ggml.eom_token_id"])
        {
            // All bits set is the converters' way to say "none".
            if (metadata.TryGetInt64(key, out long id) && id is not (-1 or uint.MaxValue))
            {
                ids.Add(id >= 0 && id < (hasTokens ? tokens!.Count : int.MaxValue) ? (int)id : throw new ModelFormatException(metadata.File, key, $"the id {id} lies outside the vocabulary."));
            }
        }

        if (hasTokens && metadata.TryGetInt32Array("tokenizer.ggml.token_type", out int[]? types))
        {
            Dictionary<string, int> special = new(StringComparer.Ordinal);
            for (int i = 0; i < Math.Min(types.Length, tokens!.Count); i++)
            {
                if (types[i] is ControlToken or UserDefinedToken)
                {
                    special.TryAdd(tokens[i], i);
                }
            }

            AddKnown(text => special.TryGetValue(text, out int id) ? id : null, ids);
        }

        return [.. ids];
    }

    private static void AddIds(JsonConfig? config, SortedSet<int> ids)
    {
        if (config is null || !config.TryGetInt32OrArray("eos_token_id", out int[]? found))
        {
            return;
        }

        foreach (int id in found)
        {
            ids.Add(id >= 0 ? id : throw config.Error("eos_token_id", $"the id {id} is negative."));
        }
    }

    private static void AddKnown(Func<string, int?> find, SortedSet<int> ids)
    {
        // Where <|return|> and <|call|> end an answer (harmony), <|end|> only ends one message of several.
        bool harmony = find("<|return|>") is not null && find("<|call|>") is not null;
        foreach (string text in KnownTexts)
        {
            if (!(harmony && text == "<|end|>") && find(text) is { } id)
            {
                ids.Add(id);
            }
        }
    }
}
