namespace Moesaic.Engine;

/// <summary>How a template wants the turns in which the assistant called tools; templates differ, and fail or drop calls silently otherwise.</summary>
/// <param name="NullContent">An absent text is None rather than an empty string.</param>
/// <param name="ArgumentsAsText">The arguments are JSON text rather than a dict.</param>
/// <param name="IsRendered">Whether the template shows calls at all; if not, they are written into the turn's text.</param>
internal sealed record ToolCallStyle(bool NullContent, bool ArgumentsAsText, bool IsRendered = true)
{
    /// <summary>The forms that are tried, transformers' own first.</summary>
    public static IReadOnlyList<ToolCallStyle> Candidates { get; } = [new(true, false), new(true, true), new(false, false), new(false, true)];

    /// <summary>For a template that shows no calls.</summary>
    public static ToolCallStyle AsText { get; } = new(false, false, IsRendered: false);
}
