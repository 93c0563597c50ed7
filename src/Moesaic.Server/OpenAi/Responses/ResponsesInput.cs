using Moesaic.Engine;
using Moesaic.Server.Json;

namespace Moesaic.Server.OpenAi.Responses;

/// <summary>Reads the input of the Responses API as the turns of a conversation.</summary>
internal static class ResponsesInput
{
    /// <summary>Turns from instructions and input: a text, or items in the order in which they happened.</summary>
    /// <exception cref="Errors.ApiException">400: an item is malformed or of a kind that is not done here.</exception>
    public static IReadOnlyList<ChatTurn> Read(string? instructions, JsonField input)
    {
        List<ChatTurn> turns = [];
        if (instructions is not null)
        {
            turns.Add(new ChatTurn("system", instructions));
        }

        if (input.IsText)
        {
            turns.Add(new ChatTurn("user", input.Text()));
            return turns;
        }

        IReadOnlyList<JsonField> items = input.IsArray ? input.Items(RequestLimits.MaxMessages) : throw input.WrongType("a string or an array of items");
        if (items.Count == 0)
        {
            throw input.Invalid("there is no item; expected at least one");
        }

        string? reasoning = null;
        foreach (JsonField item in items)
        {
            Add(item, turns, ref reasoning);
        }

        return turns;
    }

    private static void Add(JsonField item, List<ChatTurn> turns, ref string? reasoning)
    {
        JsonFields fields = item.Object();
        JsonField? type = fields.Find("type");
        fields.Ignore("id", "status");
        switch (type?.Text(RequestLimits.MaxName) ?? "message")
        {
            case "message":
                string role = fields.Require("role").OneOf("system", "developer", "user", "assistant");
                ChatTurn turn = new(role == "developer" ? "system" : role, MessageReader.Text(fields.Require("content")));
                turns.Add(role == "assistant" ? turn with { Reasoning = reasoning } : turn);
                reasoning = role == "assistant" ? null : reasoning;
                break;
            case "reasoning":
                reasoning = ReadReasoning(fields);
                break;
            case "function_call":
                AddCall(fields, turns, reasoning);
                reasoning = null;
                break;
            case "function_call_output":
                string callId = fields.Require("call_id").Text(RequestLimits.MaxName);
                turns.Add(new ChatTurn("tool", MessageReader.Text(fields.Require("output")))
                {
                    ToolCallId = callId,
                    Name = turns.SelectMany(static t => t.ToolCalls).LastOrDefault(c => c.Id == callId)?.Name,
                });
                break;
            default:
                throw type!.Value.NotSupported("only items of the types message, reasoning, function_call and function_call_output are done here; nothing is stored that could be referred to");
        }
    }

    // Calls that follow each other, or the text that the assistant said before them, are one turn.
    private static void AddCall(JsonFields fields, List<ChatTurn> turns, string? reasoning)
    {
        ChatToolCall call = new(
            fields.Require("call_id").Text(RequestLimits.MaxName),
            fields.Require("name").Text(RequestLimits.MaxName),
            MessageReader.Arguments(fields.Require("arguments")));
        if (turns is [.., { Role: "assistant" } last] && reasoning is null)
        {
            turns[^1] = last with { ToolCalls = [.. last.ToolCalls, call] };
        }
        else
        {
            turns.Add(new ChatTurn("assistant", null) { ToolCalls = [call], Reasoning = reasoning });
        }
    }

    private static string? ReadReasoning(JsonFields fields)
    {
        fields.Ignore("summary", "encrypted_content");
        return fields.Find("content") is { } content
            ? string.Concat(content.Items(RequestLimits.MaxContentParts).Select(static item =>
            {
                JsonFields part = item.Object();
                part.Require("type").OneOf("reasoning_text");
                return part.Require("text").Text();
            }))
            : null;
    }
}
