namespace Moesaic.Engine;

/// <summary>A token that could have been drawn, with its natural log-probability under the raw logits.</summary>
public readonly record struct TokenAlternative(int Id, float Logprob);
