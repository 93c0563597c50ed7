namespace Moesaic.Interop;

/// <summary>Upper bounds of a batch; memory for them is taken once.</summary>
/// <param name="MaxTokens">Tokens of one step.</param>
/// <param name="MaxSequences">Sequences of one step.</param>
/// <param name="MaxPages">Pages of one sequence in one KV group.</param>
/// <param name="NumKvGroups">Layer groups with page tables of their own.</param>
public sealed record BatchLimits(long MaxTokens, long MaxSequences, long MaxPages, int NumKvGroups = 1);
