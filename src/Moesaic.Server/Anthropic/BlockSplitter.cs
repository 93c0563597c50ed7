using Moesaic.Engine;

namespace Moesaic.Server.Anthropic;

/// <summary>Turns the parts of a reply into content blocks, one open at a time. Streams and whole answers are both made from its events.</summary>
internal sealed class BlockSplitter
{
    private BlockKind? _open;
    private int _index = -1;

    /// <summary>Adds the events that a part brings.</summary>
    public void Add(in ReplyPart part, ICollection<BlockEvent> events)
    {
        switch (part.Kind)
        {
            case ReplyPartKind.Content:
                AddText(BlockKind.Text, part.Text, events);
                break;
            case ReplyPartKind.Reasoning:
                AddText(BlockKind.Thinking, part.Text, events);
                break;
            case ReplyPartKind.ToolCallBegin:
                Start(BlockKind.ToolUse, events, part.ToolId, part.ToolName);
                break;
            case ReplyPartKind.ToolCallArguments:
                events.Add(new BlockEvent(BlockStage.Delta, _index, BlockKind.ToolUse, part.Text));
                break;
            case ReplyPartKind.ToolCallEnd:
                Finish(events);
                break;
        }
    }

    /// <summary>Ends the block that is open, if one is.</summary>
    public void Finish(ICollection<BlockEvent> events)
    {
        if (_open is { } kind)
        {
            events.Add(new BlockEvent(BlockStage.Stop, _index, kind));
            _open = null;
        }
    }

    private void AddText(BlockKind kind, string text, ICollection<BlockEvent> events)
    {
        if (_open != kind)
        {
            Start(kind, events);
        }

        events.Add(new BlockEvent(BlockStage.Delta, _index, kind, text));
    }

    private void Start(BlockKind kind, ICollection<BlockEvent> events, string? toolId = null, string? toolName = null)
    {
        Finish(events);
        _open = kind;
        events.Add(new BlockEvent(BlockStage.Start, ++_index, kind, "", toolId, toolName));
    }
}
