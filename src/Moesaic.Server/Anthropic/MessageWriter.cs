using System.Text;
using System.Text.Json;

namespace Moesaic.Server.Anthropic;

/// <summary>Writes messages: the data of a stream's events, or the whole.</summary>
/// <param name="requestId">Ends the message's id.</param>
/// <param name="model">The model's public name.</param>
internal sealed class MessageWriter(string requestId, string model)
{
    private readonly string _id = "msg_" + requestId;

    /// <summary>Data of message_start: the message without its content.</summary>
    public void WriteStart(Utf8JsonWriter json, MessageUsage usage)
    {
        json.WriteStartObject();
        json.WriteString("type"u8, "message_start");
        json.WritePropertyName("message"u8);
        WriteMessage(json, [], null, usage);
        json.WriteEndObject();
    }

    /// <summary>The name of a block's event.</summary>
    public static string NameOf(in BlockEvent block) => block.Stage switch
    {
        BlockStage.Start => "content_block_start",
        BlockStage.Delta => "content_block_delta",
        _ => "content_block_stop",
    };

    /// <summary>Data of a block's event.</summary>
    public static void WriteBlockEvent(Utf8JsonWriter json, in BlockEvent block)
    {
        json.WriteStartObject();
        json.WriteString("type"u8, NameOf(block));
        json.WriteNumber("index"u8, block.Index);
        if (block.Stage == BlockStage.Start)
        {
            json.WritePropertyName("content_block"u8);
            WriteBlock(json, new Block(block.Kind, block.ToolId, block.ToolName));
        }
        else if (block.Stage == BlockStage.Delta)
        {
            json.WriteStartObject("delta"u8);
            (string type, string member) = block.Kind switch
            {
                BlockKind.Thinking => ("thinking_delta", "thinking"),
                BlockKind.ToolUse => ("input_json_delta", "partial_json"),
                _ => ("text_delta", "text"),
            };
            json.WriteString("type"u8, type);
            json.WriteString(member, block.Text);
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }

    /// <summary>Data of message_delta: how the message ended.</summary>
    public static void WriteEnd(Utf8JsonWriter json, MessageEnd end, MessageUsage usage)
    {
        json.WriteStartObject();
        json.WriteString("type"u8, "message_delta");
        json.WriteStartObject("delta"u8);
        WriteStop(json, end);
        json.WriteEndObject();
        WriteUsage(json, usage);
        json.WriteEndObject();
    }

    /// <summary>Data of an event that has nothing but its type.</summary>
    public static void WriteBare(Utf8JsonWriter json, string type)
    {
        json.WriteStartObject();
        json.WriteString("type"u8, type);
        json.WriteEndObject();
    }

    /// <summary>The whole message.</summary>
    /// <param name="json">Where to.</param>
    /// <param name="events">All events of its blocks.</param>
    /// <param name="end">How it ended.</param>
    /// <param name="usage">Its counts.</param>
    public void WriteWhole(Utf8JsonWriter json, IEnumerable<BlockEvent> events, MessageEnd end, MessageUsage usage)
    {
        List<Block> blocks = [];
        foreach (BlockEvent block in events)
        {
            if (block.Stage == BlockStage.Start)
            {
                blocks.Add(new Block(block.Kind, block.ToolId, block.ToolName));
            }

            blocks[^1].Text.Append(block.Text);
        }

        WriteMessage(json, blocks, end, usage);
    }

    private void WriteMessage(Utf8JsonWriter json, List<Block> blocks, MessageEnd? end, MessageUsage usage)
    {
        json.WriteStartObject();
        json.WriteString("id"u8, _id);
        json.WriteString("type"u8, "message");
        json.WriteString("role"u8, "assistant");
        json.WriteString("model"u8, model);
        json.WriteStartArray("content"u8);
        blocks.ForEach(block => WriteBlock(json, block));
        json.WriteEndArray();
        WriteStop(json, end);
        WriteUsage(json, usage);
        json.WriteEndObject();
    }

    private static void WriteBlock(Utf8JsonWriter json, Block block)
    {
        json.WriteStartObject();
        switch (block.Kind)
        {
            case BlockKind.Thinking:
                json.WriteString("type"u8, "thinking");
                json.WriteString("thinking"u8, block.Text.ToString());
                // Clients want the member; nothing is signed here, and none is checked when thinking comes back.
                json.WriteString("signature"u8, "");
                break;
            case BlockKind.ToolUse:
                json.WriteString("type"u8, "tool_use");
                json.WriteString("id"u8, block.ToolId);
                json.WriteString("name"u8, block.ToolName);
                json.WritePropertyName("input"u8);
                json.WriteRawValue(block.Text.Length == 0 ? "{}" : block.Text.ToString());
                break;
            default:
                json.WriteString("type"u8, "text");
                json.WriteString("text"u8, block.Text.ToString());
                break;
        }

        json.WriteEndObject();
    }

    private static void WriteStop(Utf8JsonWriter json, MessageEnd? end)
    {
        json.WriteString("stop_reason"u8, end?.Reason);
        json.WriteString("stop_sequence"u8, end?.Sequence);
    }

    private static void WriteUsage(Utf8JsonWriter json, MessageUsage usage)
    {
        json.WriteStartObject("usage"u8);
        json.WriteNumber("input_tokens"u8, usage.Input);
        // What is computed is cached without being asked to, and costs nothing extra.
        json.WriteNumber("cache_creation_input_tokens"u8, 0);
        json.WriteNumber("cache_read_input_tokens"u8, usage.CacheRead);
        json.WriteNumber("output_tokens"u8, usage.Output);
        json.WriteEndObject();
    }

    private sealed record Block(BlockKind Kind, string? ToolId, string? ToolName)
    {
        public StringBuilder Text { get; } = new();
    }
}
