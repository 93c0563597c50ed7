namespace Moesaic.Interop;

/// <summary>What a weight holds: <see cref="NumExperts"/> matrices of [<see cref="Rows"/>, <see cref="Cols"/>]; y = W x,
/// rows are output features.</summary>
public sealed record WeightDescription
{
    /// <summary>Format of the source data.</summary>
    public required TensorFormat Format { get; init; }

    /// <summary>1 for a dense weight.</summary>
    public long NumExperts { get; init; } = 1;

    /// <summary>Output features of one matrix held here (after slicing for a rank).</summary>
    public required long Rows { get; init; }

    /// <summary>Input features; a multiple of the format's block.</summary>
    public required long Cols { get; init; }

    /// <summary>Rows of a quantisation group whose scales are kept apart; 0 for formats that carry their own.</summary>
    public long GroupRows { get; init; }

    /// <summary>Columns of such a group.</summary>
    public long GroupCols { get; init; }

    /// <summary>Format of separate scales; null where absent.</summary>
    public TensorFormat? ScaleFormat { get; init; }

    /// <summary>Format of separate zero points; null where absent.</summary>
    public TensorFormat? ZeroPointFormat { get; init; }
}
