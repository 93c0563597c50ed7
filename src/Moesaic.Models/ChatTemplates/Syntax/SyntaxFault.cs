namespace Moesaic.Models.ChatTemplates.Syntax;

/// <summary>A source that is no template, at a line.</summary>
internal sealed class SyntaxFault(string message, int line) : Exception(message)
{
    public int Line { get; } = line;
}
