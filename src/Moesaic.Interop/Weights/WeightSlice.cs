namespace Moesaic.Interop;

/// <summary>Rows [<see cref="RowBegin"/>, <see cref="RowBegin"/> + <see cref="NumRows"/>) of one expert, from row-major
/// source data in memory that the caller keeps alive and readable during the call.</summary>
public readonly record struct WeightSlice
{
    public long Expert { get; init; }

    public long RowBegin { get; init; }

    public required long NumRows { get; init; }

    /// <summary>Address of the first source row, e.g. in a <see cref="MappedFile"/>.</summary>
    public required nint Source { get; init; }

    /// <summary>Bytes from one source row to the next.</summary>
    public required long SourceRowBytes { get; init; }

    /// <summary>What the values of these rows are multiplied with: for <see cref="TensorFormat.NVFP4"/> alone; 1, or 0 which stands for it, otherwise.</summary>
    public float Factor { get; init; }

    /// <summary>Address of separate scales; 0 where absent.</summary>
    public nint Scales { get; init; }

    /// <summary>Address of separate zero points; 0 where absent.</summary>
    public nint ZeroPoints { get; init; }

    /// <summary>Address of the input permutation (int32); 0 where absent.</summary>
    public nint Permutation { get; init; }
}
