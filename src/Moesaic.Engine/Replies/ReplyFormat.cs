namespace Moesaic.Engine;

/// <summary>How a family of models writes thinking and tool calls into its replies.</summary>
public sealed class ReplyFormat
{
    private ReplyFormat(string name) => Name = name;

    public string Name { get; }

    /// <summary>Names that <see cref="ByName"/> knows.</summary>
    public static IReadOnlyList<string> Names { get; } = ["plain"];

    /// <summary>Whether replies must be decoded with special tokens kept, because the format's markers are among them.</summary>
    public bool KeepsSpecialTokens { get; }

    /// <summary>The format of a model, by its chat template and architecture, or the named one.</summary>
    /// <exception cref="ArgumentException">There is no format of that name.</exception>
    public static ReplyFormat For(ModelRuntime runtime, string? name = null)
    {
        ArgumentNullException.ThrowIfNull(runtime);
        return ByName(name ?? "plain");
    }

    /// <exception cref="ArgumentException">There is no format of that name; the message lists them.</exception>
    public static ReplyFormat ByName(string name) => Names.Contains(name)
        ? new ReplyFormat(name)
        : throw new ArgumentException($"There is no reply format '{name}'; expected one of: {string.Join(", ", Names)}.", nameof(name));

    /// <summary>A parser for one reply.</summary>
    public ReplyParser CreateParser(ReplyParserOptions options) => new(this, options);

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
}
