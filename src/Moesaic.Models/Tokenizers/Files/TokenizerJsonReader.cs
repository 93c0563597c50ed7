using System.Text.Json;
using Moesaic.Models.Tokenizers.Decoders;

namespace Moesaic.Models.Tokenizers.Files;

/// <summary>Reads tokenizer.json, the format of Hugging Face tokenizers.</summary>
internal static class TokenizerJsonReader
{
    /// <summary>Reads a file.</summary>
    /// <exception cref="ModelFormatException">It is not a tokenizer that can be used.</exception>
    public static TokenizerParts ReadFile(string file) => JsonField.ReadFile(file, Read);

    /// <summary>Reads the text of a file.</summary>
    /// <param name="file">Its name, for messages.</param>
    /// <param name="json">UTF-8.</param>
    /// <exception cref="ModelFormatException">It is not a tokenizer that can be used.</exception>
    public static TokenizerParts Read(string file, ReadOnlyMemory<byte> json) => JsonField.Read(file, json, Read);

    private static TokenizerParts Read(JsonField root)
    {
        root.Object();
        JsonField version = root["version"];
        if (!version.IsNull && version.String() != "1.0")
        {
            throw version.Unexpected("\"1.0\"");
        }

        JsonField normalizer = root["normalizer"], decoder = root["decoder"], processor = root["post_processor"];
        return new TokenizerParts
        {
            Model = ModelReader.Read(root["model"]),
            Normalizer = normalizer.IsNull ? null : NormalizerReader.Read(normalizer),
            PreTokenizers = PreTokenizerReader.Read(root["pre_tokenizer"]),
            PostProcessor = processor.IsNull ? null : PostProcessorReader.Read(processor),
            Decoder = decoder.IsNull ? new TokenDecoder.JoinWithSpaces() : DecoderReader.Read(decoder),
            AddedTokens = ReadAddedTokens(root["added_tokens"]),
        };
    }

    private static List<AddedToken> ReadAddedTokens(JsonField field)
    {
        List<AddedToken> tokens = [];
        if (field.IsNull)
        {
            return tokens;
        }

        foreach (JsonField item in field.Items())
        {
            item["id"].Int();
            tokens.Add(ReadAddedToken(item, item["content"].String(), item["special"].Bool()));
        }

        return tokens;
    }

    /// <summary>An added token from its flags; flags that are absent are false, but tokens that are not special are normalized.</summary>
    public static AddedToken ReadAddedToken(JsonField item, string content, bool special) => new(
        content,
        special,
        item["normalized"].OptionalBool(!special),
        item["single_word"].OptionalBool(false),
        item["lstrip"].OptionalBool(false),
        item["rstrip"].OptionalBool(false));
}
