namespace Moesaic.Server.Anthropic;

/// <summary>Token counts of a message. Prompt tokens are told in two parts that add up: computed, and found in the prefix cache.</summary>
/// <param name="Input">Prompt tokens that were computed.</param>
/// <param name="CacheRead">Prompt tokens that the prefix cache held.</param>
/// <param name="Output">Tokens of the answer so far, its end token included.</param>
internal readonly record struct MessageUsage(int Input, int CacheRead, int Output);
