using System.Collections.Immutable;
using Moesaic.Models.Tokenizers;

namespace Moesaic.Engine;

/// <summary>How a family of models writes thinking and tool calls into its replies.</summary>
public sealed class ReplyFormat
{
    private ReplyFormat(ReplyFormatDescription description, Tokenizer? tokenizer)
    {
        Description = description;
        SpecialTokens = tokenizer is null ? [] : [.. tokenizer.SpecialIds.Select(id => tokenizer.IdToToken(id)).OfType<string>().Where(static token => token.Length > 0)];
        KeepsSpecialTokens = tokenizer is null ? description.HasSpecialMarkers : description.Markers.Intersect(SpecialTokens).Any();
    }

    public string Name => Description.Name;

    /// <summary>Names that <see cref="ByName"/> knows.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. ReplyFormats.All.Select(static format => format.Name).Order(StringComparer.Ordinal)];

    /// <summary>Whether replies must be decoded with special tokens kept, because the format's markers are among them. The parser drops those without a meaning.</summary>
    public bool KeepsSpecialTokens { get; }

    internal ReplyFormatDescription Description { get; }

    internal ImmutableArray<string> SpecialTokens { get; }

    /// <summary>The format of a model, by its chat template and architecture, or the named one with the model's special tokens.</summary>
    /// <exception cref="ArgumentException">There is no format of that name; the message lists them.</exception>
    public static ReplyFormat For(ModelRuntime runtime, string? name = null)
    {
        ArgumentNullException.ThrowIfNull(runtime);
        return new ReplyFormat(
            name is null ? ReplyFormats.Of(runtime.ChatTemplate?.Source, runtime.Description.Architecture) : Named(name),
            runtime.HasTokenizer ? runtime.Tokenizer : null);
    }

    /// <summary>A format by itself; which markers are special tokens is then as in the family's published tokenizers.</summary>
    /// <exception cref="ArgumentException">There is no format of that name; the message lists them.</exception>
    public static ReplyFormat ByName(string name) => new(Named(name), null);

    /// <summary>A parser for one reply.</summary>
    public ReplyParser CreateParser(ReplyParserOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return new ReplyParser(this, options);
    }

    /// <summary>A parser for the reply to a rendered conversation.</summary>
    /// <param name="prompt">The conversation.</param>
    /// <param name="rendered">Its text.</param>
    /// <param name="reasoning">Whether thinking is taken out of the text.</param>
    public ReplyParser CreateParser(ChatPrompt prompt, string rendered, bool reasoning = true)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        return CreateParser(new ReplyParserOptions
        {
            Tools = prompt.Tools.Count > 0,
            Reasoning = reasoning,
            PromptTail = prompt.ContinueFinalMessage ? prompt.Turns[^1].Content ?? string.Empty : rendered,
            Continues = prompt.ContinueFinalMessage,
        });
    }

    /// <summary>Whether a reply begins inside the thinking. The rest of a prompt may quote the marker, so only its very end counts.</summary>
    internal bool IsThinking(string promptTail, bool continues) => continues
        ? promptTail.LastIndexOf(Description.ReasoningOpen, StringComparison.Ordinal) > promptTail.LastIndexOf(Description.ReasoningClose, StringComparison.Ordinal)
        : promptTail.AsSpan().TrimEnd().EndsWith(Description.ReasoningOpen, StringComparison.Ordinal);

    private static ReplyFormatDescription Named(string name) => ReplyFormats.ByName(name)
        ?? throw new ArgumentException($"There is no reply format '{name}'; expected one of: {string.Join(", ", Names)}.", nameof(name));
}
