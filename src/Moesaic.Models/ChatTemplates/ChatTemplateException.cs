namespace Moesaic.Models.ChatTemplates;

/// <summary>The only error that compiling or rendering a chat template lets out.</summary>
public sealed class ChatTemplateException : Exception
{
    internal ChatTemplateException(ChatTemplateErrorKind kind, string errorName, string detail, string templateName, int line)
        : base(Describe(errorName, detail, templateName, line))
    {
        Kind = kind;
        ErrorName = errorName;
        Detail = detail;
        TemplateName = templateName;
        Line = line;
    }

    public ChatTemplateErrorKind Kind { get; }

    /// <summary>The name Jinja2 or Python gives this error: TemplateError, TypeError, UndefinedError and so on.</summary>
    public string ErrorName { get; }

    /// <summary>The bare message; for <see cref="ChatTemplateErrorKind.Raised"/> exactly what the template said.</summary>
    public string Detail { get; }

    /// <summary>The name given to <see cref="ChatTemplate.Compile"/>.</summary>
    public string TemplateName { get; }

    /// <summary>Line of the template, from 1; 0 when the error belongs to the inputs.</summary>
    public int Line { get; }

    private static string Describe(string errorName, string detail, string templateName, int line) =>
        line > 0
            ? $"chat template {templateName}, line {line}: {errorName}: {detail}"
            : $"chat template {templateName}: {errorName}: {detail}";
}
