using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using Moesaic.Models;
using Moesaic.Models.ChatTemplates;
using Moesaic.Models.Checkpoints;
using Moesaic.Models.Configurations;
using Moesaic.Models.Families;
using Moesaic.Models.Tokenizers;

namespace Moesaic.Engine;

/// <summary>
/// What turns text into a model's ids and back: tokenizer, chat template, end ids. A model without a usable tokenizer still
/// runs on ids; the error then comes when text is wanted.
/// </summary>
public sealed class ModelText
{
    private readonly Tokenizer? _tokenizer;
    private readonly ExceptionDispatchInfo? _tokenizerError;
    private readonly string _name;
    private readonly Func<bool, ChatTemplate?> _loadTemplate;
    private readonly ConcurrentDictionary<bool, ChatRenderer> _renderers = new();
    private ChatTemplate? _template;

    private ModelText(OpenedModel model, string? templatePath)
    {
        _name = model.Location.Name;
        try
        {
            _tokenizer = HasTokenizer(model) ? TokenizerLoader.Load(model.Location.Folder ?? model.Location.WeightsPath) : null;
        }
        catch (ModelFormatException e)
        {
            _tokenizerError = ExceptionDispatchInfo.Capture(e);
        }

        string origin = templatePath ?? _name;
        ChatTemplateSource? own = templatePath is null ? FindTemplate(model) : null;
        _loadTemplate = tools => templatePath is not null ? Compile(ChatTemplateSource.InFile(templatePath), origin, tools) : own is null ? null : Compile(own, origin, tools);
        EndIds = ReadEndIds(model).ToHashSet();
        VocabularySize = CountTokens(model);
    }

    /// <exception cref="ModelFormatException">The model has no tokenizer, or it cannot be used.</exception>
    public Tokenizer Tokenizer
    {
        get
        {
            _tokenizerError?.Throw();
            return _tokenizer ?? throw new ModelFormatException(_name, "tokenizer", "the model has no tokenizer; expected tokenizer.json or another tokenizer file beside it, or give token ids instead of text.");
        }
    }

    /// <summary>Whether <see cref="Tokenizer"/> can be used.</summary>
    public bool HasUsableTokenizer => _tokenizer is not null;

    /// <summary>Null when the model has none.</summary>
    /// <exception cref="ModelFormatException">The template file cannot be read.</exception>
    /// <exception cref="ChatTemplateException">The template cannot be compiled.</exception>
    public ChatTemplate? ChatTemplate => _template ??= _loadTemplate(false);

    /// <summary>Tokens at which generation ends.</summary>
    public IReadOnlySet<int> EndIds { get; }

    /// <summary>Tokens that may be drawn; the decoder's rows past them are padding.</summary>
    public int VocabularySize { get; }

    /// <summary>Reads what an opened model has; nothing of its weights.</summary>
    /// <param name="model">The model.</param>
    /// <param name="templatePath">A file whose chat template replaces the model's own, or null.</param>
    public static ModelText Read(OpenedModel model, string? templatePath) => new(model, templatePath);

    /// <summary>Whether the template tells the model of a conversation's tools; false without a template.</summary>
    public bool ShowsTools => ChatTemplate is not null && Renderer(true).ShowsTools;

    /// <summary>The text that a model is prompted with for a conversation.</summary>
    /// <exception cref="ModelFormatException">The model has no chat template or no tokenizer.</exception>
    /// <exception cref="ChatTemplateException">The template refuses the conversation.</exception>
    /// <exception cref="ArgumentException">The prompt contradicts itself, or the arguments of a call are no JSON object.</exception>
    public string Render(ChatPrompt prompt)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        return Renderer(prompt.Tools.Count > 0).Render(prompt);
    }

    // A checkpoint may have a template of its own for conversations with tools.
    private ChatRenderer Renderer(bool tools) => _renderers.GetOrAdd(tools, key => new ChatRenderer(
        (key ? _loadTemplate(true) : ChatTemplate) ?? throw new ModelFormatException(_name, "chat template", "the model has none; give one with --chat-template, or prompt it with plain text (--raw)."),
        Tokenizer.SpecialTokens));

    private static bool HasTokenizer(OpenedModel model)
    {
        return model.Gguf?.Metadata.Contains("tokenizer.ggml.model") ?? model.Location.Files!.HasTokenizer;
    }

    private IReadOnlyList<int> ReadEndIds(OpenedModel model)
    {
        if (model.Gguf is { } gguf)
        {
            return EndOfGeneration.FromGguf(gguf.Metadata);
        }

        Tokenizer? tokenizer = _tokenizer;
        return EndOfGeneration.FromHuggingFace(
            model.HuggingFaceConfig!.Raw,
            JsonConfig.LoadIfPresent(model.Location.Files!.GenerationConfig),
            tokenizer?.SpecialTokens.Eos,
            tokenizer is null ? null : text => tokenizer.TokenToId(text) is { } id && tokenizer.AddedTokens.ContainsKey(id) ? id : null);
    }

    private int CountTokens(OpenedModel model)
    {
        int rows = model.Description.VocabularySize;
        while (_tokenizer is not null && rows > 1 && _tokenizer.IdToToken(rows - 1) is null)
        {
            rows--;
        }

        // GGUF files name their padding, and mark it as unused.
        const int unused = 5;
        if (model.Gguf is { } gguf && gguf.Metadata.TryGetInt32Array("tokenizer.ggml.token_type", out int[]? types))
        {
            while (rows > 1 && rows <= types.Length && types[rows - 1] == unused)
            {
                rows--;
            }
        }

        return rows;
    }

    private static ChatTemplateSource? FindTemplate(OpenedModel model) =>
        model.Gguf is { } gguf ? ChatTemplateSource.InGguf(gguf.Metadata) : ChatTemplateSource.InFolder(model.Location.Files!);

    private static ChatTemplate Compile(ChatTemplateSource source, string origin, bool tools)
    {
        try
        {
            return Models.ChatTemplates.ChatTemplate.Compile(source.Pick(tools), origin);
        }
        catch (FormatException e)
        {
            throw new ModelFormatException(origin, "chat template", e.Message, e);
        }
    }
}
