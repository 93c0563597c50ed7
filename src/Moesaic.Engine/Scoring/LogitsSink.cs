namespace Moesaic.Engine;

/// <summary>Receives the logits of one position; the span is valid during the call.</summary>
/// <param name="sequence">Index of the sequence.</param>
/// <param name="position">Position within it.</param>
/// <param name="logits">[vocabulary rows of the decoder].</param>
public delegate void LogitsSink(int sequence, int position, ReadOnlySpan<float> logits);
