using System.Text;
using System.Text.Json;
using Moesaic.Engine;

namespace Moesaic.Server.OpenAi.Responses;

/// <summary>An item of a response's output: a message, thinking, or a call of a function.</summary>
/// <param name="kind">Content, Reasoning or ToolCallBegin.</param>
/// <param name="id">Its id.</param>
/// <param name="callId">Of a call.</param>
/// <param name="name">Of a call: the function.</param>
/// <param name="spelling">How tokens of log-probabilities are spelled.</param>
internal sealed class ResponsesItem(ReplyPartKind kind, string id, TokenSpelling spelling, string? callId = null, string? name = null)
{
    public ReplyPartKind Kind { get; } = kind;

    public string Id { get; } = id;

    /// <summary>Text, thinking, or the JSON text of a call's arguments.</summary>
    public StringBuilder Text { get; } = new();

    /// <summary>Log-probabilities of the tokens that the text is made of; empty when they are not wanted.</summary>
    public List<TokenLogprob> Logprobs { get; } = [];

    /// <summary>Begin of the names of the events that tell its text.</summary>
    public string TextEvent => Kind switch
    {
        ReplyPartKind.Content => "response.output_text",
        ReplyPartKind.Reasoning => "response.reasoning_text",
        _ => "response.function_call_arguments",
    };

    /// <summary>Whether its text stands in a part of its content.</summary>
    public bool HasPart => Kind != ReplyPartKind.ToolCallBegin;

    /// <summary>The item as it stands now.</summary>
    public void Write(Utf8JsonWriter json, string status)
    {
        json.WriteStartObject();
        json.WriteString("id"u8, Id);
        switch (Kind)
        {
            case ReplyPartKind.Content:
                json.WriteString("type"u8, "message");
                json.WriteString("status"u8, status);
                json.WriteString("role"u8, "assistant");
                WriteContent(json, status);
                break;
            case ReplyPartKind.Reasoning:
                json.WriteString("type"u8, "reasoning");
                json.WriteString("status"u8, status);
                json.WriteStartArray("summary"u8);
                json.WriteEndArray();
                WriteContent(json, status);
                break;
            default:
                json.WriteString("type"u8, "function_call");
                json.WriteString("status"u8, status);
                json.WriteString("call_id"u8, callId);
                json.WriteString("name"u8, name);
                json.WriteString("arguments"u8, Text.ToString());
                break;
        }

        json.WriteEndObject();
    }

    /// <summary>The part of its content that holds a text.</summary>
    public void WritePart(Utf8JsonWriter json, string text)
    {
        json.WriteStartObject();
        json.WriteString("type"u8, Kind == ReplyPartKind.Content ? "output_text" : "reasoning_text");
        json.WriteString("text"u8, text);
        if (Kind == ReplyPartKind.Content)
        {
            json.WriteStartArray("annotations"u8);
            json.WriteEndArray();
            json.WriteStartArray("logprobs"u8);
            if (text.Length > 0)
            {
                LogprobWriter.WriteContent(json, Logprobs, spelling);
            }

            json.WriteEndArray();
        }

        json.WriteEndObject();
    }

    // An item has no part yet when it is announced.
    private void WriteContent(Utf8JsonWriter json, string status)
    {
        json.WriteStartArray("content"u8);
        if (status != ResponsesWriter.InProgress)
        {
            WritePart(json, Text.ToString());
        }

        json.WriteEndArray();
    }
}
