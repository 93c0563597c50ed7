using Moesaic.Engine;
using Moesaic.Server.Catalog;
using Moesaic.Server.Chat;
using Moesaic.Server.Json;
using Moesaic.Server.Routing;

namespace Moesaic.Server.OpenAi;

/// <summary>POST /tokenize and /detokenize, in vLLM's shapes.</summary>
internal static class TokenizeRoutes
{
    private sealed record Tokens(ServedModel Model, IReadOnlyList<int> Ids, bool WithTexts);

    /// <summary>A prompt or a conversation to ids.</summary>
    public static async Task TokenizeAsync(RequestContext context)
    {
        Tokens tokens = await RequestReading.ReadAsync(context, ReadText).ConfigureAwait(false);
        await context.WriteJsonAsync(200, json =>
        {
            json.WriteStartObject();
            json.WriteNumber("count"u8, tokens.Ids.Count);
            json.WriteNumber("max_model_len"u8, tokens.Model.Engine.MaxContext);
            json.WriteStartArray("tokens"u8);
            foreach (int id in tokens.Ids)
            {
                json.WriteNumberValue(id);
            }

            json.WriteEndArray();
            if (tokens.WithTexts)
            {
                json.WriteStartArray("token_strs"u8);
                foreach (int id in tokens.Ids)
                {
                    json.WriteStringValue(tokens.Model.Runtime.Tokenizer.IdToToken(id));
                }

                json.WriteEndArray();
            }
            else
            {
                json.WriteNull("token_strs"u8);
            }

            json.WriteEndObject();
        }).ConfigureAwait(false);
    }

    /// <summary>Ids to text.</summary>
    public static async Task DetokenizeAsync(RequestContext context)
    {
        string text = await RequestReading.ReadAsync(context, ReadIds).ConfigureAwait(false);
        await context.WriteJsonAsync(200, json =>
        {
            json.WriteStartObject();
            json.WriteString("prompt"u8, text);
            json.WriteEndObject();
        }).ConfigureAwait(false);
    }

    private static Tokens ReadText(JsonFields body, RequestContext context)
    {
        ServedModel model = CommonFields.Model(body, context);
        bool withTexts = body.Find("return_token_strs")?.Flag() ?? false;
        if (body.Find("prompt") is { } prompt)
        {
            if (body.Find("messages") is { } messages)
            {
                throw messages.Invalid("give either a prompt or messages");
            }

            string text = prompt.Text();
            bool special = body.Find("add_special_tokens")?.Flag() ?? true;
            return new Tokens(model, RunningRequest.Encode("prompt", () => model.Runtime.Tokenizer.Encode(text, special)), withTexts);
        }

        if (!body.Has("messages"))
        {
            throw JsonErrors.Missing("prompt");
        }

        ChatPrompt chat = TemplateFields.Read(body, ToolReader.Read(body));
        return new Tokens(model, ChatStream.Encode(model, chat, out _), withTexts);
    }

    private static string ReadIds(JsonFields body, RequestContext context)
    {
        ServedModel model = CommonFields.Model(body, context);
        int[] ids = body.Require("tokens").Integers(0, model.Runtime.Description.VocabularySize - 1, int.MaxValue);
        return RunningRequest.Encode("tokens", () => model.Runtime.Tokenizer.Decode(ids, skipSpecialTokens: false));
    }
}
