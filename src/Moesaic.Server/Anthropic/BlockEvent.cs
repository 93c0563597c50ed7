namespace Moesaic.Server.Anthropic;

/// <summary>What a content block of an answer holds.</summary>
internal enum BlockKind
{
    Text,
    Thinking,
    ToolUse,
}

/// <summary>What happens to a block.</summary>
internal enum BlockStage
{
    Start,
    Delta,
    Stop,
}

/// <summary>One event in the life of a content block.</summary>
/// <param name="Stage">What happens.</param>
/// <param name="Index">Which block of the answer, from 0.</param>
/// <param name="Kind">What the block holds.</param>
/// <param name="Text">Of a delta: the piece of text, thinking, or JSON text of a tool's input.</param>
/// <param name="ToolId">Set where a tool use starts.</param>
/// <param name="ToolName">Set where a tool use starts.</param>
internal readonly record struct BlockEvent(BlockStage Stage, int Index, BlockKind Kind, string Text = "", string? ToolId = null, string? ToolName = null);
