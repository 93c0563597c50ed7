namespace Moesaic.Engine;

/// <summary>One turn of a conversation.</summary>
/// <param name="Role"><c>system</c>, <c>user</c>, <c>assistant</c> or <c>tool</c>, as the model's template names them.</param>
/// <param name="Content">The text.</param>
public sealed record ChatMessage(string Role, string Content);
