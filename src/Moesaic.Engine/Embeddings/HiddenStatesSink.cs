namespace Moesaic.Engine;

/// <summary>Takes the hidden states of a text, in the order of the texts.</summary>
/// <param name="text">Which text.</param>
/// <param name="hidden">[tokens, width]; valid during the call.</param>
public delegate void HiddenStatesSink(int text, ReadOnlySpan<float> hidden);
