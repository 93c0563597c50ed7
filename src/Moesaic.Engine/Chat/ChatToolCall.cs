namespace Moesaic.Engine;

/// <summary>A call that the assistant made in an earlier turn.</summary>
/// <param name="Id">The id that the turn with its result names.</param>
/// <param name="Name">The tool.</param>
/// <param name="Arguments">A JSON object as text.</param>
public sealed record ChatToolCall(string Id, string Name, string Arguments);
