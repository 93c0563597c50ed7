namespace Moesaic.Models.Tokenizers;

/// <summary>A text that a tokenizer cannot encode: no unknown token is defined, or a pattern needs too many steps on it.</summary>
public sealed class TokenizationException(string message) : InvalidOperationException(message);
