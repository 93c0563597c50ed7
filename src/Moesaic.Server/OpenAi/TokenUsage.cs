namespace Moesaic.Server.OpenAi;

/// <summary>Tokens of a request and its answers.</summary>
/// <param name="Prompt">Of all prompts.</param>
/// <param name="Cached">Of these, those that the prefix cache held.</param>
/// <param name="Completion">Of all answers.</param>
/// <param name="Reasoning">Of these, thinking; null where the protocol does not tell.</param>
internal readonly record struct TokenUsage(int Prompt, int Cached, int Completion, int? Reasoning = null);
