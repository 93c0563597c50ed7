using Moesaic.Models.Unicode;

namespace Moesaic.Models.Tokenizers.Patterns;

/// <summary>Syntax tree of a pattern. Capturing groups are plain groups: only the extent of a match matters.</summary>
internal abstract record PatternNode
{
    /// <summary>One code point out of a set.</summary>
    public sealed record Set(CodePointSet Points) : PatternNode;

    /// <summary>All parts one after another; the empty sequence matches the empty text.</summary>
    public sealed record Sequence(IReadOnlyList<PatternNode> Parts) : PatternNode;

    /// <summary>The first alternative that leads to a match.</summary>
    public sealed record Alternation(IReadOnlyList<PatternNode> Choices) : PatternNode;

    /// <summary>Repetition; a maximum of -1 means no limit.</summary>
    public sealed record Repeat(PatternNode Body, int Min, int Max, RepeatKind Kind) : PatternNode;

    /// <summary>A group that never gives back what it matched.</summary>
    public sealed record Atomic(PatternNode Body) : PatternNode;

    /// <summary>Lookahead or lookbehind.</summary>
    public sealed record Look(PatternNode Body, bool Behind, bool Negative) : PatternNode;

    /// <summary>A place in the text.</summary>
    public sealed record Anchor(AnchorKind Kind) : PatternNode;
}

internal enum RepeatKind
{
    Greedy,
    Lazy,
    Possessive,
}

internal enum AnchorKind
{
    LineStart,
    LineEnd,
    TextStart,
    TextEnd,
    TextEndOrLastNewline,
    WordBorder,
    NoWordBorder,
}
