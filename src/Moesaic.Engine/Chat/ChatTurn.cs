namespace Moesaic.Engine;

/// <summary>One turn of a conversation with everything that chat templates know of.</summary>
/// <param name="Role"><c>system</c>, <c>user</c>, <c>assistant</c> or <c>tool</c>, as the model's template names them.</param>
/// <param name="Content">The text; null where a turn of the assistant only calls tools.</param>
public sealed record ChatTurn(string Role, string? Content)
{
    /// <summary>What the assistant thought before it answered; templates decide which turns still show it.</summary>
    public string? Reasoning { get; init; }

    /// <summary>The assistant's calls.</summary>
    public IReadOnlyList<ChatToolCall> ToolCalls { get; init; } = [];

    /// <summary>Of a turn of the role <c>tool</c>: the call that it answers.</summary>
    public string? ToolCallId { get; init; }

    /// <summary>The speaker's name; of a turn of the role <c>tool</c>, the tool's.</summary>
    public string? Name { get; init; }
}
