using System.Text.Json;
using Moesaic.Engine;
using Moesaic.Models;
using Moesaic.Models.Checkpoints;
using Moesaic.Models.ChatTemplates;
using Moesaic.Models.Decoder;
using Moesaic.Models.Families;

namespace Moesaic.Cli.Verbs;

/// <summary>What inspect finds out about an opened model.</summary>
internal sealed class ModelReport
{
    private const int FirstContext = 1024;

    private ModelReport(OpenedModel model, LoadPlan plan)
    {
        DecoderDescription description = plan.Description;
        Description = description;
        Name = model.Location.Name;
        Costs = ModelCosts.Of(plan);
        Ignored = plan.Ignored;
        Types = [.. model.Checkpoint.Tensors
            .GroupBy(t => t.Format)
            .Select(g => new TypeShare(ElementFormats.NameOf(g.Key), g.Count(), g.Sum(t => t.HasKnownLayout ? t.ByteLength : 0)))
            .OrderByDescending(t => t.Bytes)];
        Moe = description.Layers.Select(l => l.FeedForward).OfType<MoeDescription>().FirstOrDefault();
        NumMoeLayers = description.Layers.Count(l => l.FeedForward is MoeDescription);
        ModelText text = ModelText.Read(model, null);
        TokenizerKind = KindOfTokenizer(model);
        TokenizerError = ErrorOf(() => _ = text.Tokenizer);
        TemplateError = ErrorOf(() => HasChatTemplate = text.ChatTemplate is not null);
        NumTokens = text.VocabularySize;
        EndIds = [.. text.EndIds.Order()];
        EndTokens = [.. EndIds.Select(id => text.HasUsableTokenizer ? text.Tokenizer.IdToToken(id) : null)];
    }

    public string Name { get; }

    public DecoderDescription Description { get; }

    public ModelCosts Costs { get; }

    public IReadOnlyList<TypeShare> Types { get; }

    public IReadOnlyList<IgnoredTensor> Ignored { get; }

    /// <summary>The first layer's mixture of experts; null for a dense model.</summary>
    public MoeDescription? Moe { get; }

    public int NumMoeLayers { get; }

    public int NumTokens { get; }

    /// <summary>Null when there is none.</summary>
    public string? TokenizerKind { get; }

    /// <summary>Why the tokenizer cannot be used; null when it can, or when there is none.</summary>
    public string? TokenizerError { get; }

    public bool HasChatTemplate { get; private set; }

    public string? TemplateError { get; }

    public IReadOnlyList<int> EndIds { get; }

    public IReadOnlyList<string?> EndTokens { get; }

    /// <summary>Context lengths to tell the memory of: 1024 and its doubles, and the longest.</summary>
    public IEnumerable<int> Contexts
    {
        get
        {
            long length = FirstContext;
            for (; length < Description.ContextLength; length *= 2)
            {
                yield return (int)length;
            }

            yield return Description.ContextLength;
        }
    }

    /// <exception cref="ModelFormatException">The model cannot be used.</exception>
    public static ModelReport Of(string path)
    {
        using OpenedModel model = OpenedModel.Open(path);
        return new ModelReport(model, LoadPlan.Create(model.Description, model.Checkpoint));
    }

    private static string? ErrorOf(Action action)
    {
        try
        {
            action();
            return null;
        }
        catch (Exception exception) when (exception is ModelFormatException or ChatTemplateException)
        {
            return exception.Message;
        }
    }

    private static string? KindOfTokenizer(OpenedModel model)
    {
        if (model.Gguf is { } gguf)
        {
            return !gguf.Metadata.TryGetString("tokenizer.ggml.model", out string? kind) ? null
                : gguf.Metadata.TryGetString("tokenizer.ggml.pre", out string? pre) ? $"{kind}, {pre} (GGUF)" : $"{kind} (GGUF)";
        }

        ModelLocation location = model.Location;
        return location.Files?.TokenizerJson is { } path ? TypeIn(path)
            : location.Files?.TokenizerModel is not null ? "SentencePiece (tokenizer.model)"
            : location.Files?.VocabularyJson is not null ? "byte-level BPE (vocab.json)"
            : location.Files?.VocabularyText is not null ? "WordPiece (vocab.txt)"
            : null;
    }

    private static string TypeIn(string path)
    {
        const string file = "tokenizer.json";
        try
        {
            using FileStream stream = File.OpenRead(path);
            using JsonDocument document = JsonDocument.Parse(stream);
            return document.RootElement.TryGetProperty("model", out JsonElement model)
                && model.TryGetProperty("type", out JsonElement type)
                && type.ValueKind == JsonValueKind.String ? $"{type.GetString()} ({file})" : file;
        }
        catch (Exception exception) when (exception is JsonException or IOException or InvalidOperationException)
        {
            // Why it cannot be used is said by the tokenizer's own reader.
            return file;
        }
    }

    /// <summary>Tensors of one element type.</summary>
    internal sealed record TypeShare(string Name, int Count, long Bytes);
}
