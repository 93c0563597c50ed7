using Moesaic.Cli.Pull;
using Moesaic.Models;
using Moesaic.Models.ChatTemplates;
using Moesaic.Models.Checkpoints;
using Moesaic.Models.Checkpoints.Gguf;
using Moesaic.Models.Embedded;
using Moesaic.Models.Tokenizers;

namespace Moesaic.Cli.Verbs;

/// <summary>The chat templates that a path names, and the special tokens found beside them.</summary>
internal sealed class TemplateSource
{
    private readonly ChatTemplateSource _source;
    private readonly string _path;

    private TemplateSource(string path, ChatTemplateSource source, SpecialTokens tokens)
    {
        _path = path;
        _source = source;
        Tokens = tokens;
    }

    public SpecialTokens Tokens { get; }

    public static TemplateSource Load(string? path)
    {
        path = ModelCache.Resolve(path) ?? EmbeddedModel.Path;
        try
        {
            ChatTemplateSource? source = Find(path, out SpecialTokens tokens);
            return new TemplateSource(path, source ?? throw new ModelFormatException(path, "", "there is no chat template in it"), tokens);
        }
        catch (FormatException exception)
        {
            throw new ModelFormatException(path, "", exception.Message, exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new ModelFormatException(path, "", $"it cannot be read: {exception.Message}", exception);
        }
    }

    /// <summary>The compiled template for a conversation with or without tools.</summary>
    public ChatTemplate Compile(string? name, bool hasTools)
    {
        try
        {
            return ChatTemplate.Compile(_source.Pick(hasTools, name), _path);
        }
        catch (FormatException exception)
        {
            throw new ModelFormatException(_path, "", exception.Message, exception);
        }
    }

    private static ChatTemplateSource? Find(string path, out SpecialTokens tokens)
    {
        tokens = new SpecialTokens();
        if (Directory.Exists(path))
        {
            tokens = TokenizerLoader.ReadSpecialTokens(path);
            return ChatTemplateSource.InFolder(new ModelFolder(path));
        }

        if (IsGguf(path))
        {
            using GgufFile file = GgufFile.Open(path);
            tokens = TokenizerLoader.FromGguf(file.Metadata).SpecialTokens;
            return ChatTemplateSource.InGguf(file.Metadata);
        }

        if (!path.EndsWith(".json", StringComparison.OrdinalIgnoreCase))
        {
            return ChatTemplateSource.InFile(path);
        }

        tokens = TokenizerLoader.ReadSpecialTokens(path);
        return ChatTemplateSource.InJsonFile(path);
    }

    private static bool IsGguf(string path)
    {
        using FileStream stream = File.OpenRead(path);
        Span<byte> magic = stackalloc byte[4];
        return stream.ReadAtLeast(magic, 4, throwOnEndOfStream: false) == 4 && magic.SequenceEqual("GGUF"u8);
    }
}
