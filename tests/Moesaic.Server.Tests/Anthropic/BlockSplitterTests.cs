using System.Buffers;
using System.Text;
using System.Text.Json;
using Moesaic.Engine;
using Moesaic.Server.Anthropic;

namespace Moesaic.Server.Tests.Anthropic;

/// <summary>Parts of a reply become blocks; a stream's events put together are the whole message.</summary>
internal sealed class BlockSplitterTests
{
    private static readonly ReplyPart[] Full =
    [
        new(ReplyPartKind.Reasoning, "Let me "),
        new(ReplyPartKind.Reasoning, "see."),
        new(ReplyPartKind.Content, "I look "),
        new(ReplyPartKind.Content, "it up: \"\u00e9\U0001F30D\""),
        new(ReplyPartKind.ToolCallBegin, "", 0, "weather", "call_1"),
        new(ReplyPartKind.ToolCallArguments, "{\"city\": ", 0),
        new(ReplyPartKind.ToolCallArguments, "\"Bonn\"}", 0),
        new(ReplyPartKind.ToolCallEnd, "", 0),
        new(ReplyPartKind.ToolCallBegin, "", 1, "time", "call_2"),
        new(ReplyPartKind.ToolCallEnd, "", 1),
        new(ReplyPartKind.Content, "Done."),
    ];

    [Test]
    public void Each_kind_gets_a_block_of_its_own_and_none_is_left_open()
    {
        List<BlockEvent> events = Split(Full);
        Assert.That(events.Where(e => e.Stage == BlockStage.Start).Select(e => e.Kind), Is.EqualTo(new[]
        {
            BlockKind.Thinking, BlockKind.Text, BlockKind.ToolUse, BlockKind.ToolUse, BlockKind.Text,
        }));
        int open = -1;
        foreach (BlockEvent block in events)
        {
            if (block.Stage == BlockStage.Start)
            {
                Assert.That(open, Is.EqualTo(-1), "one block at a time");
                open = block.Index;
            }

            Assert.That(block.Index, Is.EqualTo(open));
            open = block.Stage == BlockStage.Stop ? -1 : open;
        }

        Assert.That(open, Is.EqualTo(-1));
        Assert.That(events[^1].Index, Is.EqualTo(4));
    }

    [Test]
    public void Without_parts_there_are_no_blocks() => Assert.That(Split([]), Is.Empty);

    [Test]
    public void The_events_of_a_stream_add_up_to_the_whole_message()
    {
        List<BlockEvent> events = Split(Full);
        MessageWriter writer = new("1", "tiny");
        MessageEnd end = MessageEnd.Of(FinishReason.StopId, null, calledTools: true);
        MessageUsage usage = new(7, 16, 12);
        List<(string Name, JsonElement Data)> stream =
        [
            ("message_start", Json(json => writer.WriteStart(json, usage with { Output = 1 }))),
            .. events.Select(e => (MessageWriter.NameOf(e), Json(json => MessageWriter.WriteBlockEvent(json, e)))),
            ("message_delta", Json(json => MessageWriter.WriteEnd(json, end, usage))),
            ("message_stop", Json(json => MessageWriter.WriteBare(json, "message_stop"))),
        ];
        Assert.That(stream.Select(e => e.Data.GetProperty("type").GetString()), Is.EqualTo(stream.Select(e => e.Name)));
        JsonElement whole = Json(json => writer.WriteWhole(json, events, end, usage));
        Assert.That(MessageStream.Assemble(stream).ToJsonString(), Is.EqualTo(JsonSerializer.Serialize(whole)));
        Assert.That(whole.GetProperty("content")[2].GetProperty("input").GetProperty("city").GetString(), Is.EqualTo("Bonn"));
        Assert.That(whole.GetProperty("content")[3].GetProperty("input").GetRawText(), Is.EqualTo("{}"));
    }

    [TestCase(FinishReason.StopId, null, false, "end_turn", null)]
    [TestCase(FinishReason.StopId, null, true, "tool_use", null)]
    [TestCase(FinishReason.Length, null, true, "max_tokens", null)]
    [TestCase(FinishReason.StopString, "END", false, "stop_sequence", "END")]
    public void Ends_are_told_in_the_protocols_words(FinishReason finish, string? stop, bool calledTools, string reason, string? sequence) =>
        Assert.That(MessageEnd.Of(finish, stop, calledTools), Is.EqualTo(new MessageEnd(reason, sequence)));

    private static List<BlockEvent> Split(IEnumerable<ReplyPart> parts)
    {
        BlockSplitter splitter = new();
        List<BlockEvent> events = [];
        foreach (ReplyPart part in parts)
        {
            splitter.Add(part, events);
        }

        splitter.Finish(events);
        return events;
    }

    private static JsonElement Json(Action<Utf8JsonWriter> write)
    {
        ArrayBufferWriter<byte> buffer = new();
        using (Utf8JsonWriter json = new(buffer))
        {
            write(json);
        }

        return JsonElement.Parse(Encoding.UTF8.GetString(buffer.WrittenSpan));
    }
}
