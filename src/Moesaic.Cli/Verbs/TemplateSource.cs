using System.Text.Json;
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
        path ??= EmbeddedModel.Path;
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
            ModelFolder folder = new(path);
            tokens = folder.TokenizerConfig is { } config ? TokensOf(File.ReadAllText(config)) : tokens;
            return ChatTemplateSource.InFolder(folder);
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

        string text = File.ReadAllText(path);
        tokens = TokensOf(text);
        return ChatTemplateSource.Find(tokenizerConfig: text);
    }

    private static bool IsGguf(string path)
    {
        using FileStream stream = File.OpenRead(path);
        Span<byte> magic = stackalloc byte[4];
        return stream.ReadAtLeast(magic, 4, throwOnEndOfStream: false) == 4 && magic.SequenceEqual("GGUF"u8);
    }

    /// <summary>bos_token and its kin of a tokenizer_config.json: a string, or an object with a string "content".</summary>
    private static SpecialTokens TokensOf(string config)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(config);
            JsonElement root = document.RootElement;
            return new SpecialTokens
            {
                Bos = Token(root, "bos_token"),
                Eos = Token(root, "eos_token"),
                Unknown = Token(root, "unk_token"),
                Padding = Token(root, "pad_token"),
            };
        }
        catch (JsonException exception)
        {
            throw new FormatException($"it is not JSON: {exception.Message}", exception);
        }
    }

    private static string? Token(JsonElement root, string name)
    {
        if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty(name, out JsonElement token))
        {
            return null;
        }

        if (token.ValueKind == JsonValueKind.Object && token.TryGetProperty("content", out JsonElement content))
        {
            token = content;
        }

        return token.ValueKind == JsonValueKind.String ? ChatTemplateValue.FromJson(token).AsText() : null;
    }
}
