using System.Text;
using Moesaic.Models.ChatTemplates.Runtime;
using Moesaic.Models.ChatTemplates.Syntax;
using Moesaic.Models.ChatTemplates.Values;

namespace Moesaic.Models.ChatTemplates;

/// <summary>
/// A compiled chat template: Jinja2 as transformers runs it (immutable sandbox, trim_blocks, lstrip_blocks, loop
/// controls, generation blocks). Compile once, render from any number of threads.
/// </summary>
public sealed class ChatTemplate
{
    private const int MaxSourceLength = 4 * 1024 * 1024;

    private readonly IReadOnlyList<Statement> _body;

    private ChatTemplate(string name, string source, IReadOnlyList<Statement> body)
    {
        Name = name;
        Source = source;
        _body = body;
    }

    /// <summary>Name for error messages, such as the file it came from.</summary>
    public string Name { get; }

    public string Source { get; }

    /// <exception cref="ChatTemplateException">The source is not a template that this engine accepts.</exception>
    public static ChatTemplate Compile(string source, string? name = null)
    {
        ArgumentNullException.ThrowIfNull(source);
        name ??= "<template>";
        if (source.Length > MaxSourceLength)
        {
            throw new ChatTemplateException(
                ChatTemplateErrorKind.Limit, "LimitError", $"the source has {source.Length} characters; at most {MaxSourceLength} are taken", name, 0);
        }

        try
        {
            return new ChatTemplate(name, source, TemplateParser.Parse(source));
        }
        catch (SyntaxFault fault)
        {
            throw new ChatTemplateException(ChatTemplateErrorKind.Syntax, "TemplateSyntaxError", fault.Message, name, fault.Line);
        }
    }

    /// <summary>Renders a conversation.</summary>
    /// <remarks>
    /// When the template fails on messages whose content is a list of text parts, because it only takes strings, it is
    /// rendered again with the texts of each list joined.
    /// </remarks>
    /// <exception cref="ChatTemplateException">The template refused the conversation, failed on it, or exceeded a limit.</exception>
    public string Render(ChatTemplateInputs inputs, ChatTemplateLimits? limits = null)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        limits ??= ChatTemplateLimits.Default;
        try
        {
            return RenderOnce(inputs, limits);
        }
        catch (ChatTemplateException failure) when (failure.Kind == ChatTemplateErrorKind.Runtime)
        {
            if (TextParts.TryJoin(inputs.Messages) is not { } joined)
            {
                throw;
            }

            return RenderOnce(inputs with { Messages = joined }, limits);
        }
    }

    private string RenderOnce(ChatTemplateInputs inputs, ChatTemplateLimits limits)
    {
        RenderContext context = new(limits, inputs.Now);
        StringBuilder output = new();
        try
        {
            new Renderer(context).Run(_body, Scope.ForTemplate(Globals.All, inputs.Variables()), output);
            return output.ToString();
        }
        catch (TemplateFault fault)
        {
            throw new ChatTemplateException(fault.Kind, fault.ErrorName, fault.Message, Name, context.Line);
        }
    }
}
