namespace Moesaic.Models.Tokenizers.Patterns;

internal enum PatternOp : byte
{
    /// <summary>One member of the class.</summary>
    Class,

    /// <summary>Greedy run of members of the class, between Min and Max of them.</summary>
    ClassLoop,

    /// <summary>The same, never giving back.</summary>
    ClassLoopPossessive,

    /// <summary>The same, taking as few as possible.</summary>
    ClassLoopLazy,

    /// <summary>Goes on at the next instruction, later at Target.</summary>
    Split,

    /// <summary>Goes on at Target, later at the next instruction.</summary>
    SplitLater,

    Jump,
    Anchor,

    /// <summary>Starts a body whose alternatives are dropped once it ends.</summary>
    AtomicStart,
    AtomicEnd,

    /// <summary>Starts a look; Target is after its end. Min: code points to step back. Negative as Max == 1.</summary>
    LookStart,
    LookEnd,

    /// <summary>Remembers the place in register Min.</summary>
    EmptyMark,

    /// <summary>Leaves a loop for Target when nothing was consumed since the mark in register Min.</summary>
    EmptyTest,
    Match,
}

/// <summary>One instruction; which fields count depends on the operation.</summary>
internal struct PatternInstruction
{
    public PatternOp Op;
    public CharacterClass? Class;
    public int Target;
    public int Min;

    /// <summary>Upper bound of a loop; int.MaxValue for none.</summary>
    public int Max;

    public AnchorKind Anchor;

    /// <summary>What the next instruction's path can begin with (splits only).</summary>
    public FirstMask NextMask;

    /// <summary>What the path at Target can begin with (splits only).</summary>
    public FirstMask TargetMask;

    /// <summary>Number of the place among those whose failures are remembered.</summary>
    public int MemoSlot;
}

/// <summary>A compiled pattern.</summary>
internal sealed record PatternProgram(
    string Pattern,
    PatternInstruction[] Code,
    FirstMask First,
    int MemoSlots,
    int LoopSlots,
    int Registers);
