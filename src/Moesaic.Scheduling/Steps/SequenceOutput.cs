namespace Moesaic.Scheduling;

/// <summary>A token that became known.</summary>
/// <param name="Sequence">Whose.</param>
/// <param name="TokenId">The token.</param>
/// <param name="Position">Its position in the sequence.</param>
/// <param name="Sample">Its index among the step's samples.</param>
/// <param name="Finish">Whether and why it is the last one.</param>
public readonly record struct SequenceOutput(Sequence Sequence, int TokenId, int Position, int Sample, FinishReason Finish);
