namespace Moesaic.Models.ChatTemplates;

/// <summary>Bounds on one rendering. A template is untrusted: it may loop, recurse or multiply text at will up to these.</summary>
public sealed record ChatTemplateLimits
{
    public static ChatTemplateLimits Default { get; } = new();

    /// <summary>Evaluated nodes, loop items and produced text (one step per 16 characters) together.</summary>
    public long MaxSteps { get; init; } = 20_000_000;

    /// <summary>Characters (UTF-16 units) of the rendered text, and of any single string on the way.</summary>
    public int MaxOutputLength { get; init; } = 32 * 1024 * 1024;

    /// <summary>Macros, callers and recursive loops active at once.</summary>
    public int MaxCallDepth { get; init; } = 200;

    /// <summary>Items of one range(...), the bound of Jinja2's sandbox.</summary>
    public int MaxRangeLength { get; init; } = 100_000;

    /// <summary>Items of any list a template builds.</summary>
    public int MaxListLength { get; init; } = 1_000_000;
}
