using Moesaic.Models.Checkpoints;
using Moesaic.Models.Checkpoints.Gguf;
using Moesaic.Models.Tokenizers.Files;
using Moesaic.Models.Tokenizers.Gguf;

namespace Moesaic.Models.Tokenizers;

/// <summary>Loads tokenizers from files as they are published.</summary>
public static class TokenizerLoader
{
    /// <summary>Loads the tokenizer of a Hugging Face folder, a GGUF file, a tokenizer.json or a tokenizer.model.</summary>
    /// <remarks>
    /// In a folder, tokenizer_config.json beside a tokenizer.json gives names of special tokens only; what is
    /// added around a text is what tokenizer.json says.
    /// </remarks>
    /// <exception cref="ModelFormatException">There is no tokenizer, or it cannot be used.</exception>
    public static Tokenizer Load(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        try
        {
            return LoadAny(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new ModelFormatException(path, "", $"it cannot be read: {exception.Message}", exception);
        }
    }

    /// <summary>Loads the tokenizer inside a GGUF file that is open already.</summary>
    /// <exception cref="ModelFormatException">There is no tokenizer, or it cannot be used.</exception>
    public static Tokenizer FromGguf(GgufMetadata metadata)
    {
        ArgumentNullException.ThrowIfNull(metadata);
        return new Tokenizer(GgufTokenizerReader.Read(metadata));
    }

    /// <summary>The special tokens that a Hugging Face folder's files name beside the tokenizer proper, or that one such file (a tokenizer_config.json) names.</summary>
    /// <exception cref="ModelFormatException">A file cannot be read, or a field has a wrong type.</exception>
    public static SpecialTokens ReadSpecialTokens(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return (Directory.Exists(path) ? TokenizerConfig.Read(new ModelFolder(path)) : TokenizerConfig.ReadFile(path)).Special;
    }

    private static Tokenizer LoadAny(string path)
    {
        if (Directory.Exists(path))
        {
            return new Tokenizer(FolderLoader.Load(new ModelFolder(path)));
        }

        if (path.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase))
        {
            using GgufFile file = GgufFile.Open(path);
            return FromGguf(file.Metadata);
        }

        return path.EndsWith(".model", StringComparison.OrdinalIgnoreCase)
            ? new Tokenizer(FolderLoader.LoadSentencePiece(path, new TokenizerConfig()))
            : new Tokenizer(TokenizerJsonReader.ReadFile(path));
    }
}
