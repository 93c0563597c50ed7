using Moesaic.Interop;

namespace Moesaic.Models.Decoder;

/// <summary>How a device holds a weight whose codes and scales come apart.</summary>
/// <param name="Format">Format of the codes, or of blocks that carry their scales.</param>
/// <param name="GroupColumns">Columns that share a scale; 0: the format carries its own.</param>
/// <param name="HasZeroPoints">Whether there are zero points.</param>
internal sealed record WeightForm(TensorFormat Format, long GroupColumns = 0, bool HasZeroPoints = false)
{
    /// <summary>The weight of a matrix in this form.</summary>
    public WeightDescription Describe(MatrixSource source) => new()
    {
        Format = Format,
        NumExperts = source.NumExperts,
        Rows = source.Rows,
        Cols = source.Cols,
        GroupRows = GroupColumns == 0 ? 0 : 1,
        GroupCols = GroupColumns,
        ScaleFormat = GroupColumns == 0 ? null : TensorFormat.F32,
        ZeroPointFormat = HasZeroPoints ? TensorFormat.I16 : null,
    };

    /// <summary>Whether kernels take groups of this many columns: powers of two from <paramref name="least"/> on, or whole rows.</summary>
    public static bool AreGroupsUsable(long groupColumns, long cols, long least) =>
        cols % least == 0 && groupColumns > 0 && (groupColumns >= cols || (groupColumns >= least && (groupColumns & (groupColumns - 1)) == 0));
}
