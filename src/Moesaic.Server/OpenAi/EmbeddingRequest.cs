using Moesaic.Engine;
using Moesaic.Models.Tokenizers;
using Moesaic.Server.Catalog;
using Moesaic.Server.Errors;
using Moesaic.Server.Json;
using Moesaic.Server.Routing;

namespace Moesaic.Server.OpenAi;

/// <summary>A checked request for embeddings: the texts as ids, special tokens included.</summary>
internal sealed record EmbeddingRequest(ServedEncoder Encoder, IReadOnlyList<int[]> Texts, bool IsBase64)
{
    /// <exception cref="ApiException">400, or 404 for an unknown model.</exception>
    public static EmbeddingRequest Read(JsonFields body, RequestContext context)
    {
        ServedEncoder encoder = context.Models.GetEncoder(body.Find("model")?.Text(RequestLimits.MaxModelName));
        body.IgnoreTexts("user");
        if (body.Find("dimensions") is { } dimensions && dimensions.Integer(1, int.MaxValue) != encoder.Model.Dimensions)
        {
            throw dimensions.NotSupported($"the vectors of '{encoder.Name}' have {encoder.Model.Dimensions} dimensions, and it was not trained to be cut; leave the field out");
        }

        bool isBase64 = body.Find("encoding_format")?.OneOf("float", "base64") == "base64";
        return new EmbeddingRequest(encoder, Inputs(body.Require("input"), encoder.Engine), isBase64);
    }

    // A text, texts, ids, or lists of ids.
    private static int[][] Inputs(JsonField input, EmbeddingEngine engine)
    {
        EmbeddingModel model = engine.Model;
        if (input.IsText)
        {
            return [Encode(input, model)];
        }

        if (!input.IsArray)
        {
            throw input.WrongType("a string, an array of strings, an array of token ids, or an array of arrays of token ids");
        }

        if (input.Json.GetArrayLength() == 0)
        {
            throw input.Invalid("it is empty; expected at least one text");
        }

        if (input.Json[0].ValueKind == System.Text.Json.JsonValueKind.Number)
        {
            return [Ids(input, model)];
        }

        return [.. input.Items(Math.Min(RequestLimits.MaxEmbeddingInputs, engine.MaxWaitingTexts)).Select(item => item.IsText ? Encode(item, model)
            : item.IsArray ? Ids(item, model)
            : throw item.WrongType("a string or an array of token ids"))];
    }

    private static int[] Ids(JsonField field, EmbeddingModel model) =>
        Check(field, model, field.Integers(0, model.Description.VocabularySize - 1, int.MaxValue));

    private static int[] Encode(JsonField field, EmbeddingModel model)
    {
        string text = field.Text();
        if (text.Length == 0)
        {
            throw field.Invalid("it is empty; expected a text");
        }

        try
        {
            return Check(field, model, [.. model.Tokenizer.Encode(text, addSpecialTokens: true)]);
        }
        catch (Models.ModelFormatException)
        {
            throw field.NotSupported("the model has no usable tokenizer; give token ids instead");
        }
        catch (TokenizationException exception)
        {
            throw field.Invalid(exception.Message);
        }
    }

    private static int[] Check(JsonField field, EmbeddingModel model, int[] ids)
    {
        try
        {
            model.Check(ids);
            return ids;
        }
        catch (ContextExceededException exception)
        {
            throw new ApiException(400, ErrorCodes.ContextLengthExceeded, $"{field.Path}: it has {exception.NumTokens} tokens, special tokens included; the model takes at most {exception.MaxContext}", field.Path, cause: exception);
        }
        catch (ArgumentException exception)
        {
            throw field.Invalid(exception.Message);
        }
    }
}
