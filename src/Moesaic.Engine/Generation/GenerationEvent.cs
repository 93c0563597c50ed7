using System.Collections.Immutable;

namespace Moesaic.Engine;

/// <summary>A step of streamed generation.</summary>
/// <param name="Text">Text that is certain by now; may be empty while a character or a possible stop string is open.</param>
/// <param name="Token">The token; null in a last event that only brings held-back text or the reason of the end.</param>
/// <param name="Alternatives">Alternatives to the token, best first; as many as were asked for.</param>
/// <param name="Finish">Why generation ends with this event; <see cref="FinishReason.None"/> when it goes on.</param>
public readonly record struct GenerationEvent(string Text, GeneratedToken? Token, ImmutableArray<TokenAlternative> Alternatives, FinishReason Finish);
