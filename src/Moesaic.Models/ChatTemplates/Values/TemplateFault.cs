namespace Moesaic.Models.ChatTemplates.Values;

/// <summary>An error on its way to the boundary of the engine, where line and template name are added.</summary>
internal sealed class TemplateFault(ChatTemplateErrorKind kind, string errorName, string message) : Exception(message)
{
    public ChatTemplateErrorKind Kind { get; } = kind;

    public string ErrorName { get; } = errorName;

    public static TemplateFault Type(string message) => Runtime("TypeError", message);

    public static TemplateFault Value(string message) => Runtime("ValueError", message);

    public static TemplateFault Undefined(string message) => Runtime("UndefinedError", message);

    public static TemplateFault Argument(string message) => Runtime("FilterArgumentError", message);

    public static TemplateFault Unsupported(string what) =>
        Runtime("NotSupportedError", $"{what} is not supported in chat templates");

    public static TemplateFault Limit(string message) => new(ChatTemplateErrorKind.Limit, "LimitError", message);

    public static TemplateFault Runtime(string errorName, string message) => new(ChatTemplateErrorKind.Runtime, errorName, message);
}
