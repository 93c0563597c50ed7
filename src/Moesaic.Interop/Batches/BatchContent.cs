namespace Moesaic.Interop;

/// <summary>Host arrays of one step; copied by the call. Tokens of one sequence are consecutive, and so are their positions.</summary>
public readonly ref struct BatchContent
{
    /// <summary>[T]</summary>
    public required ReadOnlySpan<int> TokenIds { get; init; }

    /// <summary>[T], from 0 in each sequence.</summary>
    public required ReadOnlySpan<int> Positions { get; init; }

    /// <summary>[S + 1]: sequence s owns tokens [offsets[s], offsets[s + 1]).</summary>
    public required ReadOnlySpan<int> QueryOffsets { get; init; }

    /// <summary>Ascending token indices whose logits are wanted.</summary>
    public required ReadOnlySpan<int> LogitRows { get; init; }

    /// <summary>[KV groups, S, <see cref="PagesStride"/>] page numbers; entry j holds positions
    /// [j * page tokens, (j + 1) * page tokens). All are copied; those past a sequence's last position are
    /// never used.</summary>
    public required ReadOnlySpan<int> PageTables { get; init; }

    public required int PagesStride { get; init; }

    /// <summary>Optional [KV groups, S]: positions of a group's cache that bidirectional attention sees (an encoder's, under
    /// a decoder); empty or 0: up to the sequence's last position in this batch.</summary>
    public ReadOnlySpan<int> KeyLengths { get; init; }
}
