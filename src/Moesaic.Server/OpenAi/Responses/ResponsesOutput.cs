using System.Text.Json;
using Moesaic.Engine;
using Moesaic.Server.Streaming;

namespace Moesaic.Server.OpenAi.Responses;

/// <summary>
/// Puts a response's output together, piece by piece, and tells each change as an event when there is a stream. Whole and
/// streamed responses come from here alike.
/// </summary>
/// <param name="id">Ends the ids of items.</param>
/// <param name="sse">Null: nobody listens.</param>
internal sealed class ResponsesOutput(string id, SseWriter? sse)
{
    private readonly List<ResponsesItem> _items = [];
    private ResponsesItem? _open;
    private int _sequence;

    public IReadOnlyList<ResponsesItem> Items => _items;

    /// <summary>Adds a piece of the answer.</summary>
    public void Add(in ReplyPart part)
    {
        switch (part.Kind)
        {
            case ReplyPartKind.ToolCallBegin:
                Close(ResponsesWriter.Completed);
                Open(new ResponsesItem(part.Kind, $"fc_{id}_{_items.Count}", part.ToolId, part.ToolName));
                break;
            case ReplyPartKind.ToolCallArguments:
                Append(part.Text);
                break;
            case ReplyPartKind.ToolCallEnd:
                Close(ResponsesWriter.Completed);
                break;
            default:
                if (_open?.Kind != part.Kind)
                {
                    Close(ResponsesWriter.Completed);
                    string prefix = part.Kind == ReplyPartKind.Reasoning ? "rs" : "msg";
                    Open(new ResponsesItem(part.Kind, $"{prefix}_{id}_{_items.Count}"));
                }

                Append(part.Text);
                break;
        }
    }

    /// <summary>The answer has ended.</summary>
    /// <param name="status">Of the item that is open, if any.</param>
    public void Finish(string status)
    {
        // An answer always holds something, if only an empty text.
        if (_items.Count == 0)
        {
            Open(new ResponsesItem(ReplyPartKind.Content, $"msg_{id}_0"));
        }

        Close(status);
    }

    /// <summary>An event: its type, its place in the stream, and what <paramref name="write"/> adds.</summary>
    public void Tell(string type, Action<Utf8JsonWriter> write)
    {
        if (sse is null)
        {
            return;
        }

        Utf8JsonWriter json = sse.Begin(type);
        json.WriteStartObject();
        json.WriteString("type"u8, type);
        json.WriteNumber("sequence_number"u8, _sequence++);
        write(json);
        json.WriteEndObject();
        sse.End();
    }

    private void Open(ResponsesItem item)
    {
        _open = item;
        _items.Add(item);
        Tell("response.output_item.added", json =>
        {
            json.WriteNumber("output_index"u8, _items.Count - 1);
            json.WritePropertyName("item"u8);
            item.Write(json, ResponsesWriter.InProgress);
        });
        if (item.HasPart)
        {
            TellPart("response.content_part.added", item, "");
        }
    }

    private void Append(string text)
    {
        ResponsesItem item = _open!;
        item.Text.Append(text);
        if (sse is null || text.Length == 0)
        {
            return;
        }

        // Every token passes here: no closure.
        string type = DeltaEvent(item.Kind);
        Utf8JsonWriter json = sse.Begin(type);
        json.WriteStartObject();
        json.WriteString("type"u8, type);
        json.WriteNumber("sequence_number"u8, _sequence++);
        WritePlace(json, item);
        json.WriteString("delta"u8, text);
        json.WriteEndObject();
        sse.End();
    }

    private void Close(string status)
    {
        if (_open is not { } item)
        {
            return;
        }

        _open = null;
        string text = item.Text.ToString();
        Tell(item.TextEvent + ".done", json =>
        {
            WritePlace(json, item);
            json.WriteString(item.HasPart ? "text"u8 : "arguments"u8, text);
        });
        if (item.HasPart)
        {
            TellPart("response.content_part.done", item, text);
        }

        Tell("response.output_item.done", json =>
        {
            json.WriteNumber("output_index"u8, _items.Count - 1);
            json.WritePropertyName("item"u8);
            item.Write(json, status);
        });
    }

    private void TellPart(string type, ResponsesItem item, string text) => Tell(type, json =>
    {
        WritePlace(json, item);
        json.WritePropertyName("part"u8);
        item.WritePart(json, text);
    });

    private void WritePlace(Utf8JsonWriter json, ResponsesItem item)
    {
        json.WriteString("item_id"u8, item.Id);
        json.WriteNumber("output_index"u8, _items.Count - 1);
        if (item.HasPart)
        {
            json.WriteNumber("content_index"u8, 0);
        }

        if (item.Kind == ReplyPartKind.Content)
        {
            json.WriteStartArray("logprobs"u8);
            json.WriteEndArray();
        }
    }

    private static string DeltaEvent(ReplyPartKind kind) => kind switch
    {
        ReplyPartKind.Content => "response.output_text.delta",
        ReplyPartKind.Reasoning => "response.reasoning_text.delta",
        _ => "response.function_call_arguments.delta",
    };
}
