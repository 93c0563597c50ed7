using Moesaic.Models.Checkpoints.Gguf;
using Moesaic.Models.Tokenizers.Files;
using Moesaic.Models.Tokenizers.Gguf;

namespace Moesaic.Models.Tokenizers;

/// <summary>Loads tokenizers from files as they are published.</summary>
public static class TokenizerLoader
{
    /// <summary>Loads a tokenizer.json, or the tokenizer inside a GGUF file.</summary>
    /// <exception cref="ModelFormatException">There is no tokenizer, or it cannot be used.</exception>
    public static Tokenizer Load(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (path.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase))
        {
            using GgufFile file = GgufFile.Open(path);
            return FromGguf(file.Metadata);
        }

        return new Tokenizer(TokenizerJsonReader.ReadFile(path));
    }

    /// <summary>Loads the tokenizer inside a GGUF file that is open already.</summary>
    /// <exception cref="ModelFormatException">There is no tokenizer, or it cannot be used.</exception>
    public static Tokenizer FromGguf(GgufMetadata metadata)
    {
        ArgumentNullException.ThrowIfNull(metadata);
        return new Tokenizer(GgufTokenizerReader.Read(metadata));
    }
}
