using System.Text.Json;
using Moesaic.Engine;
using Moesaic.Server.Json;

namespace Moesaic.Server.OpenAi;

/// <summary>Reads the messages of a conversation in OpenAI's shape.</summary>
internal static class MessageReader
{
    private static readonly string[] Roles = ["system", "developer", "user", "assistant", "tool", "function"];

    /// <exception cref="Errors.ApiException">400: a message is malformed or holds more than text.</exception>
    public static IReadOnlyList<ChatTurn> Read(JsonField messages)
    {
        IReadOnlyList<JsonField> items = messages.Items(RequestLimits.MaxMessages);
        return items.Count == 0 ? throw messages.Invalid("there is no message; expected at least one") : [.. items.Select(ReadMessage)];
    }

    private static ChatTurn ReadMessage(JsonField item)
    {
        JsonFields message = item.Object();
        JsonField roleField = message.Require("role");
        string role = roleField.OneOf(Roles);
        if (role == "function")
        {
            throw roleField.NotSupported("functions gave way to tools; use the role 'tool' with tool_call_id");
        }

        bool isAssistant = role == "assistant";
        IReadOnlyList<ChatToolCall> calls = isAssistant ? ReadCalls(message.Find("tool_calls")) : [];
        if (isAssistant)
        {
            message.Refuse("audio", "only text is done here");
            message.Refuse("function_call", "functions gave way to tools; use tool_calls");
            message.Ignore("refusal");
        }

        // Templates know no role for what OpenAI renamed.
        return new ChatTurn(role == "developer" ? "system" : role, ReadContent(message, isAssistant, calls.Count > 0))
        {
            Reasoning = isAssistant ? message.FindEither("reasoning_content", "reasoning")?.Text() : null,
            ToolCalls = calls,
            ToolCallId = role == "tool" ? message.Require("tool_call_id").Text(RequestLimits.MaxName) : null,
            Name = message.Find("name")?.Text(RequestLimits.MaxName),
        };
    }

    private static string? ReadContent(JsonFields message, bool isAssistant, bool hasCalls)
    {
        // An answer of thinking or calls alone comes back with null.
        JsonField? content = isAssistant ? message.Find("content") : message.Require("content");
        if (content is not { } given)
        {
            return hasCalls ? null : "";
        }

        return Text(given);
    }

    /// <summary>A text, or parts that are texts.</summary>
    public static string Text(JsonField content) => content switch
    {
        { IsText: true } => content.Text(),
        { IsArray: true } => string.Concat(content.Items(RequestLimits.MaxContentParts).Select(ReadPart)),
        _ => throw content.WrongType("a string or an array of parts"),
    };

    private static string ReadPart(JsonField item)
    {
        if (item.IsText)
        {
            return item.Text();
        }

        JsonFields part = item.Object();
        JsonField type = part.Require("type");
        return type.Text(RequestLimits.MaxName) switch
        {
            "text" or "input_text" or "output_text" => part.Require("text").Text(),
            "refusal" => part.Require("refusal").Text(),
            _ => throw type.NotSupported("only parts of the type 'text' are done here: no model with images, sound or files is served"),
        };
    }

    private static IReadOnlyList<ChatToolCall> ReadCalls(JsonField? field)
    {
        if (field is not { } calls)
        {
            return [];
        }

        return
        [
            .. calls.Items(RequestLimits.MaxToolCalls).Select(static item =>
            {
                JsonFields call = item.Object();
                call.Find("type")?.OneOf("function");
                call.Ignore("index");
                JsonFields function = call.Require("function").Object();
                return new ChatToolCall(
                    call.Require("id").Text(RequestLimits.MaxName),
                    function.Require("name").Text(RequestLimits.MaxName),
                    Arguments(function.Require("arguments")));
            }),
        ];
    }

    /// <summary>JSON text of an object; an empty text stands for no arguments.</summary>
    public static string Arguments(JsonField field)
    {
        string text = field.Text();
        if (string.IsNullOrWhiteSpace(text))
        {
            return "{}";
        }

        try
        {
            using JsonDocument document = JsonDocument.Parse(text);
            return document.RootElement.ValueKind == JsonValueKind.Object ? text : throw field.Invalid("the text is JSON, but no object");
        }
        catch (JsonException)
        {
            throw field.Invalid("the text is no JSON object");
        }
    }
}
