using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Moesaic.Models.ChatTemplates;

namespace Moesaic.Engine;

/// <summary>What Microsoft.Extensions.AI's messages and options are to the engine. What the engine cannot do is refused, never dropped.</summary>
internal static class ChatConversion
{
    /// <exception cref="NotSupportedException">A message or an option asks for something that the engine cannot do.</exception>
    public static ChatPrompt Prompt(IEnumerable<ChatMessage> messages, ChatOptions? options)
    {
        List<ChatTurn> turns = [];
        if (!string.IsNullOrEmpty(options?.Instructions))
        {
            turns.Add(new ChatTurn("system", options.Instructions));
        }

        Dictionary<string, string> names = [];
        foreach (ChatMessage message in messages)
        {
            AddTurns(message, turns, names);
        }

        Refuse(options);
        return new ChatPrompt { Turns = turns, Tools = Tools(options), EnableThinking = options?.Reasoning?.Effort is { } effort ? effort != ReasoningEffort.None : null };
    }

    public static SamplingParameters Sampling(SamplingParameters defaults, ChatOptions? options) => options is null ? defaults : defaults with
    {
        Temperature = options.Temperature ?? defaults.Temperature,
        TopP = options.TopP ?? defaults.TopP,
        TopK = options.TopK ?? defaults.TopK,
        PresencePenalty = options.PresencePenalty ?? defaults.PresencePenalty,
        FrequencyPenalty = options.FrequencyPenalty ?? defaults.FrequencyPenalty,
        Seed = options.Seed is { } seed ? unchecked((ulong)seed) : defaults.Seed,
        MaxTokens = options.MaxOutputTokens ?? defaults.MaxTokens,
        StopStrings = options.StopSequences is { } stops ? [.. stops] : defaults.StopStrings,
    };

    /// <summary>The arguments of a call as the caller of the tool wants them.</summary>
    public static Dictionary<string, object?> Arguments(string json)
    {
        using JsonDocument document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = JsonScanner.MaxDepth });
        Dictionary<string, object?> arguments = [];
        foreach (JsonProperty property in document.RootElement.EnumerateObject())
        {
            arguments[property.Name] = property.Value.Clone();
        }

        return arguments;
    }

    private static void Refuse(ChatOptions? options)
    {
        if (options?.ResponseFormat is ChatResponseFormatJson)
        {
            throw new NotSupportedException("ChatOptions.ResponseFormat is JSON; answers cannot be constrained to a form yet. Ask for JSON in the prompt.");
        }

        if (options?.ToolMode is RequiredChatToolMode)
        {
            throw new NotSupportedException("ChatOptions.ToolMode requires a tool call; answers cannot be constrained yet. Expected Auto or None.");
        }

        if (options is { AllowMultipleToolCalls: false, Tools.Count: > 0 })
        {
            throw new NotSupportedException("ChatOptions.AllowMultipleToolCalls is false; answers cannot be constrained yet. Leave it unset.");
        }

        if (options?.ConversationId is { } id)
        {
            throw new NotSupportedException($"ChatOptions.ConversationId is '{id}'; the engine keeps no conversations. Send all messages with each request.");
        }
    }

    private static List<ChatTemplateValue> Tools(ChatOptions? options)
    {
        List<ChatTemplateValue> tools = [];
        foreach (AITool tool in options?.ToolMode is NoneChatToolMode ? [] : options?.Tools ?? [])
        {
            tools.Add(tool is AIFunctionDeclaration function
                ? ChatTool.Function(function.Name, string.IsNullOrEmpty(function.Description) ? null : function.Description, function.JsonSchema)
                : throw new NotSupportedException($"The tool '{tool.Name}' is a {tool.GetType().Name}; expected a function declaration."));
        }

        return tools;
    }

    private static void AddTurns(ChatMessage message, List<ChatTurn> turns, Dictionary<string, string> names)
    {
        string role = message.Role.Value;
        string? text = null, reasoning = null;
        List<ChatToolCall> calls = [];
        List<ChatTurn> results = [];
        foreach (AIContent content in message.Contents)
        {
            switch (content)
            {
                case TextContent part:
                    text += part.Text;
                    break;
                case TextReasoningContent part:
                    reasoning += part.Text;
                    break;
                case FunctionCallContent call:
                    calls.Add(new ChatToolCall(call.CallId, call.Name, call.Arguments is null ? "{}" : Json(call.Arguments, typeof(IDictionary<string, object?>))));
                    names[call.CallId] = call.Name;
                    break;
                case FunctionResultContent result:
                    results.Add(new ChatTurn("tool", Result(result)) { ToolCallId = result.CallId, Name = names.GetValueOrDefault(result.CallId) });
                    break;
                case UsageContent:
                    break;
                default:
                    throw new NotSupportedException($"A message of the role '{role}' holds a {content.GetType().Name}; expected text, reasoning, function calls and their results.");
            }
        }

        if (text is not null || reasoning is not null || calls.Count > 0 || results.Count == 0)
        {
            turns.Add(new ChatTurn(role, text ?? (calls.Count > 0 ? null : string.Empty)) { Reasoning = reasoning, ToolCalls = calls, Name = message.AuthorName });
        }

        turns.AddRange(results);
    }

    private static string Result(FunctionResultContent result) => result switch
    {
        { Exception: { } exception, Result: null } => $"Error: {exception.Message}",
        { Result: null } => string.Empty,
        { Result: string text } => text,
        { Result: JsonElement { ValueKind: JsonValueKind.String } text } => text.GetString()!,
        { Result: { } value } => Json(value, value.GetType()),
    };

    // The writer's own form: compact, and text as it is rather than escaped for HTML.
    private static string Json(object value, Type type)
    {
        ArrayBufferWriter<byte> bytes = new();
        using (Utf8JsonWriter writer = new(bytes, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            JsonSerializer.Serialize(writer, value, AIJsonUtilities.DefaultOptions.GetTypeInfo(type));
        }

        return Encoding.UTF8.GetString(bytes.WrittenSpan);
    }
}
