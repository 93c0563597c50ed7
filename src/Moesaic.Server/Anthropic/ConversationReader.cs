using System.Text;
using Moesaic.Engine;
using Moesaic.Server.Json;
using Moesaic.Server.OpenAi;

namespace Moesaic.Server.Anthropic;

/// <summary>
/// Reads system prompt and messages into turns. Messages of one role in a row are one turn, as the protocol says; results of
/// tools become turns of their own, as templates want them, and each must answer a call of the turn before.
/// </summary>
internal sealed class ConversationReader
{
    // Blocks are paragraphs: clients cut a text into blocks to mark what may be cached, not in the middle of a line.
    private const string BlockBorder = "\n\n";

    private readonly List<ChatTurn> _turns = [];
    private readonly List<ChatToolCall> _unanswered = [];
    private readonly StringBuilder _text = new();
    private readonly StringBuilder _thinking = new();
    private readonly List<ChatToolCall> _calls = [];
    private string? _role;

    /// <exception cref="Errors.ApiException">400: a message is malformed, or holds more than text, thinking and tools.</exception>
    public static IReadOnlyList<ChatTurn> Read(JsonFields body)
    {
        ConversationReader reader = new();
        if (body.Find("system") is { } system)
        {
            reader.AddSystem(system);
        }

        JsonField messages = body.Require("messages");
        IReadOnlyList<JsonField> items = messages.Items(RequestLimits.MaxMessages);
        if (items.Count == 0)
        {
            throw messages.Invalid("there is no message; expected at least one");
        }

        foreach (JsonField item in items)
        {
            reader.AddMessage(item);
        }

        reader.EndTurn();
        return reader._unanswered is [{ } call, ..]
            ? throw messages.Invalid($"they end with a call ('{JsonErrors.Name(call.Id)}') that has no tool_result; give the results in a user message")
            : reader._turns;
    }

    private void AddSystem(JsonField field)
    {
        string text = field switch
        {
            { IsText: true } => field.Text(),
            { IsArray: true } => string.Join(BlockBorder, field.Items(RequestLimits.MaxContentParts).Select(static item =>
            {
                JsonFields block = item.Object();
                return TypeOf(block, out JsonField type) == "text" ? ReadText(block) : throw type.NotSupported("a system prompt is made of text blocks");
            })),
            _ => throw field.WrongType("a string or an array of blocks"),
        };
        if (text.Length > 0)
        {
            _turns.Add(new ChatTurn("system", text));
        }
    }

    private void AddMessage(JsonField item)
    {
        JsonFields message = item.Object();
        string role = message.Require("role").OneOf("user", "assistant");
        if (role != _role)
        {
            EndTurn();
            _role = role;
        }

        JsonField content = message.Require("content");
        if (content.IsText)
        {
            RequireAnswers(content);
            AddText(content.Text());
            return;
        }

        if (!content.IsArray)
        {
            throw content.WrongType("a string or an array of blocks");
        }

        foreach (JsonField block in content.Items(RequestLimits.MaxContentParts))
        {
            AddBlock(block);
        }

        RequireAnswers(content);
    }

    private void AddBlock(JsonField item)
    {
        JsonFields block = item.Object();
        string type = TypeOf(block, out JsonField typeField);
        bool isAssistant = _role == "assistant";
        switch (type)
        {
            case "text":
                RequireAnswers(item);
                AddText(ReadText(block));
                break;
            case "thinking" when isAssistant:
                // Signed elsewhere or not at all; it is only text here.
                block.Ignore("signature");
                _thinking.Append(_thinking.Length > 0 ? BlockBorder : "").Append(block.Require("thinking").Text());
                break;
            case "tool_use" when isAssistant:
                _calls.Add(ReadCall(block));
                break;
            case "tool_result" when !isAssistant:
                AddResult(block);
                break;
            case "thinking" or "tool_use" or "tool_result":
                throw typeField.Invalid($"a message of the role '{_role}' has no block of this type");
            default:
                throw typeField.NotSupported("only blocks of the types text, thinking, tool_use and tool_result are done here: no model with images or documents is served");
        }
    }

    private void AddText(string text) => _text.Append(_text.Length > 0 && text.Length > 0 ? BlockBorder : "").Append(text);

    private static ChatToolCall ReadCall(JsonFields block)
    {
        block.Ignore("cache_control", "caller");
        JsonField input = block.Require("input");
        return new ChatToolCall(
            block.Require("id").Text(RequestLimits.MaxName),
            block.Require("name").Text(RequestLimits.MaxName),
            input.IsObject ? input.Json.GetRawText() : throw input.WrongType("an object"));
    }

    private void AddResult(JsonFields block)
    {
        block.Ignore("cache_control");
        JsonField id = block.Require("tool_use_id");
        if (_text.Length > 0)
        {
            throw id.Invalid("results come before the text of their message");
        }

        string callId = id.Text(RequestLimits.MaxName);
        int call = _unanswered.FindIndex(c => c.Id == callId);
        if (call < 0)
        {
            throw id.Invalid("there is no tool_use of this id in the assistant's message before, or it has its result already");
        }

        string text = ReadResult(block.Find("content"));
        bool isError = block.Find("is_error")?.Flag() ?? false;
        _turns.Add(new ChatTurn("tool", isError ? "Error: " + text : text) { ToolCallId = callId, Name = _unanswered[call].Name });
        _unanswered.RemoveAt(call);
    }

    private static string ReadResult(JsonField? content) => content switch
    {
        null => "",
        { IsText: true } text => text.Text(),
        { IsArray: true } blocks => string.Join(BlockBorder, blocks.Items(RequestLimits.MaxContentParts).Select(static item =>
        {
            JsonFields block = item.Object();
            return TypeOf(block, out JsonField type) == "text" ? ReadText(block) : throw type.NotSupported("only text blocks are done here: no model with images or documents is served");
        })),
        { } other => throw other.WrongType("a string or an array of blocks"),
    };

    /// <summary>Before anything else, the calls of the turn before have their results.</summary>
    private void RequireAnswers(JsonField at)
    {
        if (_unanswered is [{ } call, ..])
        {
            throw at.Invalid($"the call '{JsonErrors.Name(call.Id)}' of the message before has no tool_result here; results come first in the message after their calls");
        }
    }

    private void EndTurn()
    {
        // A message of results alone has become turns of its own.
        bool isEmpty = _text.Length == 0 && _calls.Count == 0 && _thinking.Length == 0;
        if (_role is not null && !(isEmpty && _turns is [.., { Role: "tool" }]))
        {
            _turns.Add(new ChatTurn(_role, _text.Length == 0 && _calls.Count > 0 ? null : _text.ToString())
            {
                Reasoning = _thinking.Length > 0 ? _thinking.ToString() : null,
                ToolCalls = [.. _calls],
            });
        }

        _unanswered.AddRange(_calls);
        _calls.Clear();
        _text.Clear();
        _thinking.Clear();
    }

    private static string TypeOf(JsonFields block, out JsonField type)
    {
        type = block.Require("type");
        return type.Text(RequestLimits.MaxName);
    }

    private static string ReadText(JsonFields block)
    {
        block.Ignore("cache_control", "citations");
        return block.Require("text").Text();
    }
}
