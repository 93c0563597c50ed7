namespace Moesaic.Engine;

/// <summary>One generated token.</summary>
/// <param name="Id">The token.</param>
/// <param name="Logprob">Its natural log-probability under the raw logits.</param>
/// <param name="Position">Its place in the sequence.</param>
/// <param name="Finish">Why generation ends with it; <see cref="FinishReason.None"/> when it goes on. A token that ends it as <see cref="FinishReason.StopId"/> is not part of the text.</param>
public readonly record struct GeneratedToken(int Id, float Logprob, int Position, FinishReason Finish);
