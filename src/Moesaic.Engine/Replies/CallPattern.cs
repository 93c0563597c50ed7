using System.Collections.Immutable;

namespace Moesaic.Engine;

/// <summary>Where in a reply a call may begin.</summary>
internal enum CallPlace
{
    Anywhere,

    /// <summary>Where nothing of the answer has come yet, since the beginning or since the last call.</summary>
    Beginning,

    /// <summary>Right after another call.</summary>
    AfterCall,
}

/// <summary>One way in which a family writes a call (or a list of calls): its elements in order.</summary>
/// <remarks>It begins with a literal, or with JSON; it ends with a literal or JSON; a name, id or skipped text is followed by a literal.</remarks>
internal sealed record CallPattern(CallPlace Place, ImmutableArray<CallElement> Elements)
{
    public CallPattern(params ReadOnlySpan<CallElement> elements)
        : this(CallPlace.Anywhere, [.. elements])
    {
    }

    /// <summary>The text that makes the parser try this pattern.</summary>
    public string Opener => Elements[0].Kind == CallElementKind.Literal ? Elements[0].Text : "{";
}
