namespace Moesaic.Models.ChatTemplates;

/// <summary>Why a chat template gave no text.</summary>
public enum ChatTemplateErrorKind
{
    /// <summary>The source is not a template this engine accepts.</summary>
    Syntax,

    /// <summary>The template called raise_exception: the conversation does not fit it.</summary>
    Raised,

    /// <summary>Rendering would exceed a <see cref="ChatTemplateLimits"/> bound.</summary>
    Limit,

    /// <summary>An operation failed on the values it met (a type error, an undefined value, a forbidden attribute).</summary>
    Runtime,
}
