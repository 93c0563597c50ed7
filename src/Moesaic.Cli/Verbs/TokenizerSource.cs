using Moesaic.Cli.Pull;
using Moesaic.Models;
using Moesaic.Models.Embedded;
using Moesaic.Models.Tokenizers;

namespace Moesaic.Cli.Verbs;

/// <summary>The tokenizer that an option names.</summary>
internal static class TokenizerSource
{
    public static Tokenizer Load(string? path)
    {
        path = ModelCache.Resolve(path) ?? EmbeddedModel.Path;
        if (!Path.Exists(path))
        {
            throw new ModelFormatException(path, "", "there is no such file or folder; expected tokenizer.json, a model folder or a GGUF file");
        }

        return TokenizerLoader.Load(path);
    }
}
