namespace Moesaic.Engine;

internal enum CallElementKind
{
    /// <summary>Exactly this text.</summary>
    Literal,

    /// <summary>Any white space, or none.</summary>
    Space,

    /// <summary>The tool's name, up to the literal that follows.</summary>
    Name,

    /// <summary>The call's id, up to the literal that follows.</summary>
    Id,

    /// <summary>Text without meaning, up to the literal that follows.</summary>
    Skipped,

    /// <summary>A JSON object: the arguments.</summary>
    Arguments,

    /// <summary>A JSON object with name and arguments.</summary>
    Call,

    /// <summary>A JSON array of such objects, or one of them.</summary>
    Calls,
}

/// <summary>A piece of the way in which a family writes a tool call.</summary>
internal readonly record struct CallElement(CallElementKind Kind, string Text = "")
{
    public static CallElement Space => new(CallElementKind.Space);

    public static CallElement Name => new(CallElementKind.Name);

    public static CallElement Id => new(CallElementKind.Id);

    public static CallElement Skipped => new(CallElementKind.Skipped);

    public static CallElement Arguments => new(CallElementKind.Arguments);

    public static CallElement Call => new(CallElementKind.Call);

    public static CallElement Calls => new(CallElementKind.Calls);

    public static implicit operator CallElement(string literal) => new(CallElementKind.Literal, literal);
}
