using Moesaic.Models.Checkpoints;

namespace Moesaic.Models.Decoder;

/// <summary>The quantisation group of each column of a matrix.</summary>
internal sealed class ColumnGroups
{
    private readonly int[] _ofColumn;

    private ColumnGroups(int[] ofColumn, int[]? permutation, int columns)
    {
        _ofColumn = ofColumn;
        Permutation = permutation;
        Columns = columns;
    }

    public ReadOnlySpan<int> OfColumn => _ofColumn;

    /// <summary>Columns sorted by group, stable: entry j is the column that comes j-th; null where they are sorted as they lie.</summary>
    public int[]? Permutation { get; }

    /// <summary>Columns of every group (the last may have fewer) once sorted; 0 where groups differ in size.</summary>
    public int Columns { get; }

    /// <param name="indices">[cols] int32, or null: runs of <paramref name="columns"/>.</param>
    /// <param name="cols">Columns of the matrix.</param>
    /// <param name="numGroups">Groups that have scales.</param>
    /// <param name="columns">Columns of a group.</param>
    /// <exception cref="ModelFormatException">An index is out of range.</exception>
    public static ColumnGroups Read(CheckpointTensor? indices, int cols, int numGroups, int columns)
    {
        int[] groups = new int[cols];
        ReadOnlySpan<byte> words = indices is null ? [] : StoredNumbers.Words(indices, 0, cols);
        bool absent = indices is null || IsUnset(words, cols);
        for (int k = 0; k < cols; k++)
        {
            int group = absent ? k / columns : unchecked((int)StoredNumbers.Word(words, k));
            groups[k] = (uint)group < (uint)numGroups
                ? group
                : throw new ModelFormatException(indices!.File.Path, indices.Name, $"column {k} belongs to group {group}; expected 0 to {numGroups - 1}. The file is damaged.");
        }

        int[] order = [.. Enumerable.Range(0, cols)];
        int[] keys = (int[])groups.Clone();
        bool sorted = true;
        for (int k = 1; k < cols && sorted; k++)
        {
            sorted = groups[k - 1] <= groups[k];
        }

        if (!sorted)
        {
            order = [.. order.OrderBy(k => keys[k])];
        }

        bool regular = true;
        for (int j = 0; j < cols && regular; j++)
        {
            regular = groups[order[j]] == j / columns;
        }

        return new ColumnGroups(groups, sorted ? null : order, regular ? columns : 0);
    }

    // Exporters write -1 everywhere where columns were not reordered.
    private static bool IsUnset(ReadOnlySpan<byte> words, int cols)
    {
        for (int k = 0; k < cols; k++)
        {
            if (StoredNumbers.Word(words, k) != uint.MaxValue)
            {
                return false;
            }
        }

        return true;
    }
}
