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
/// <param name="spelling">How tokens of log-probabilities are spelled.</param>
internal sealed class ResponsesOutput(string id, SseWriter? sse, TokenSpelling spelling)
{
    private static readonly IReadOnlyList<TokenLogprob> NoTokens = [];

    // Tokens whose text has not come yet: half characters, and what could have become a mark of thinking or of a call.
    private readonly List<TokenLogprob> _waiting = [];
    private readonly List<TokenLogprob> _told = [];
    private readonly List<ResponsesItem> _items = [];
    private ResponsesItem? _open;
    private int _sequence;

    public IReadOnlyList<ResponsesItem> Items => _items;

    /// <summary>A token that the next piece of text is made of; it belongs to no text when thinking or a call comes instead.</summary>
    public void AddToken(in TokenLogprob token) => _waiting.Add(token);

    /// <summary>Adds a piece of the answer.</summary>
    public void Add(in ReplyPart part)
    {
        if (part.Kind != ReplyPartKind.Content)
        {
            _waiting.Clear();
        }

        switch (part.Kind)
        {
            case ReplyPartKind.ToolCallBegin:
                Close(ResponsesWriter.Completed);
                Open(new ResponsesItem(part.Kind, $"fc_{id}_{_items.Count}", spelling, part.ToolId, part.ToolName));
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
                    Open(new ResponsesItem(part.Kind, $"{prefix}_{id}_{_items.Count}", spelling));
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
            Open(new ResponsesItem(ReplyPartKind.Content, $"msg_{id}_0", spelling));
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
        if (text.Length == 0)
        {
            return;
        }

        _told.Clear();
        if (item.Kind == ReplyPartKind.Content)
        {
            _told.AddRange(_waiting);
            item.Logprobs.AddRange(_waiting);
            _waiting.Clear();
        }

        if (sse is null)
        {
            return;
        }

        // Every token passes here: no closure.
        string type = DeltaEvent(item.Kind);
        Utf8JsonWriter json = sse.Begin(type);
        json.WriteStartObject();
        json.WriteString("type"u8, type);
        json.WriteNumber("sequence_number"u8, _sequence++);
        WritePlace(json, item, _told);
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
            WritePlace(json, item, item.Logprobs);
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
        WritePlace(json, item, NoTokens);
        json.WritePropertyName("part"u8);
        item.WritePart(json, text);
    });

    private void WritePlace(Utf8JsonWriter json, ResponsesItem item, IReadOnlyList<TokenLogprob> tokens)
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
            LogprobWriter.WriteContent(json, tokens, spelling);
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
