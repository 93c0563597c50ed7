using System.Collections.Immutable;

namespace Moesaic.Engine;

/// <summary>How probable the model found a token of the prompt.</summary>
/// <param name="Id">The token.</param>
/// <param name="Logprob">Natural log-probability under the raw logits; null for the first token, which follows nothing.</param>
/// <param name="Rank">1 for the most probable token of its place, and so on; null for the first, and where the device's logits cannot be read.</param>
/// <param name="Alternatives">The most probable tokens of its place, best first; as many as were asked for.</param>
public readonly record struct PromptTokenLogprob(int Id, float? Logprob, int? Rank, ImmutableArray<TokenAlternative> Alternatives);
