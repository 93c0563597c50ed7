namespace Moesaic.Models.Tokenizers.Patterns;

/// <summary>A pattern that cannot be read or uses something that tokenizer patterns do not support.</summary>
public sealed class PatternSyntaxException(string pattern, int at, string message)
    : FormatException($"pattern '{pattern}', character {at}: {message}");
