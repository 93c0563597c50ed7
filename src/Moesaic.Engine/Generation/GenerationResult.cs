namespace Moesaic.Engine;

/// <summary>A whole answer.</summary>
/// <param name="Text">Its text, without end token and stop string.</param>
/// <param name="Ids">All tokens drawn, a final end token included.</param>
/// <param name="Finish">Why it ended.</param>
/// <param name="Timings">What it took.</param>
public sealed record GenerationResult(string Text, IReadOnlyList<int> Ids, FinishReason Finish, GenerationTimings Timings);
