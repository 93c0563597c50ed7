using Moesaic.Models.Tokenizers.Files;

namespace Moesaic.Models.Tokenizers;

/// <summary>Loads tokenizers from files as they are published.</summary>
public static class TokenizerLoader
{
    /// <summary>Loads a tokenizer.json.</summary>
    public static Tokenizer Load(string path) => new(TokenizerJsonReader.ReadFile(path));
}
