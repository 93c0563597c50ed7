namespace Moesaic.Engine;

/// <summary>What a piece of a model's reply is.</summary>
public enum ReplyPartKind
{
    /// <summary>Text of the answer.</summary>
    Content,

    /// <summary>Text of the thinking before it.</summary>
    Reasoning,

    /// <summary>A tool call begins: index, name and id are set.</summary>
    ToolCallBegin,

    /// <summary>A piece of the call's arguments; all pieces together are one JSON object.</summary>
    ToolCallArguments,

    /// <summary>The call is complete.</summary>
    ToolCallEnd,
}

/// <summary>A piece of a model's reply.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Text">Text, or JSON text of arguments; empty for the beginning and the end of a call.</param>
/// <param name="ToolIndex">Which call of the reply it belongs to, from 0; -1 for text.</param>
/// <param name="ToolName">Set where a call begins.</param>
/// <param name="ToolId">Set where a call begins.</param>
public readonly record struct ReplyPart(ReplyPartKind Kind, string Text, int ToolIndex = -1, string? ToolName = null, string? ToolId = null);
