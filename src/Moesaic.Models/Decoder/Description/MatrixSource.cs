using System.Collections.Immutable;

namespace Moesaic.Models.Decoder;

/// <summary>A weight of the model: <see cref="NumExperts"/> matrices of [rows, cols] (one for a dense weight), and where their rows are stored.</summary>
public sealed class MatrixSource
{
    private MatrixSource(string name, long numExperts, long rows, long cols, ImmutableArray<MatrixSlice> slices)
    {
        Name = name;
        NumExperts = numExperts;
        Rows = rows;
        Cols = cols;
        Slices = slices;
    }

    /// <summary>Name for messages: that of the first stored tensor.</summary>
    public string Name { get; }

    public long NumExperts { get; }

    /// <summary>Output features.</summary>
    public long Rows { get; }

    /// <summary>Input features.</summary>
    public long Cols { get; }

    /// <summary>Rows in storage; together they fill every row of every expert once.</summary>
    public ImmutableArray<MatrixSlice> Slices { get; }

    /// <summary>Number of parameters.</summary>
    public long Count => NumExperts * Rows * Cols;

    /// <summary>A matrix stored as a tensor [rows, cols] of its own.</summary>
    public static MatrixSource Whole(string tensor, long rows, long cols) => RowsOf(tensor, rows, cols, 0, rows);

    /// <summary>Rows [<paramref name="firstRow"/>, firstRow + rows) of a stored tensor [tensorRows, cols].</summary>
    public static MatrixSource RowsOf(string tensor, long tensorRows, long cols, long firstRow, long rows) =>
        new(tensor, 1, rows, cols, [new MatrixSlice(tensor, [tensorRows, cols], firstRow, 1, 0, 0, rows)]);

    /// <summary>A stack stored one tensor [rows, cols] an expert.</summary>
    public static MatrixSource PerExpert(Func<long, string> tensorOfExpert, long numExperts, long rows, long cols)
    {
        ArgumentNullException.ThrowIfNull(tensorOfExpert);
        ImmutableArray<MatrixSlice>.Builder slices = ImmutableArray.CreateBuilder<MatrixSlice>(checked((int)numExperts));
        ImmutableArray<long> shape = [rows, cols];
        for (long expert = 0; expert < numExperts; expert++)
        {
            slices.Add(new MatrixSlice(tensorOfExpert(expert), shape, 0, 1, expert, 0, rows));
        }

        return new MatrixSource(slices[0].Tensor, numExperts, rows, cols, slices.MoveToImmutable());
    }

    /// <summary>
    /// A stack stored as one tensor [experts, tensorRows, cols], of which rows firstRow, firstRow + step, ... of each
    /// expert are taken.
    /// </summary>
    public static MatrixSource Stacked(string tensor, long numExperts, long tensorRows, long cols, long firstRow, long step, long rows)
    {
        ImmutableArray<MatrixSlice>.Builder slices = ImmutableArray.CreateBuilder<MatrixSlice>(checked((int)numExperts));
        ImmutableArray<long> shape = [numExperts, tensorRows, cols];
        for (long expert = 0; expert < numExperts; expert++)
        {
            slices.Add(new MatrixSlice(tensor, shape, checked((expert * tensorRows) + firstRow), step, expert, 0, rows));
        }

        return new MatrixSource(tensor, numExperts, rows, cols, slices.MoveToImmutable());
    }

    /// <summary>A stack stored as one tensor [experts, rows, cols].</summary>
    public static MatrixSource Stacked(string tensor, long numExperts, long rows, long cols) =>
        Stacked(tensor, numExperts, rows, cols, 0, 1, rows);

    /// <summary>
    /// A stack stored as one tensor [experts, cols, tensorRows], input features first, of which columns firstRow,
    /// firstRow + step, ... of each expert become rows.
    /// </summary>
    public static MatrixSource StackedTransposed(string tensor, long numExperts, long tensorRows, long cols, long firstRow, long step, long rows)
    {
        ImmutableArray<MatrixSlice>.Builder slices = ImmutableArray.CreateBuilder<MatrixSlice>(checked((int)numExperts));
        ImmutableArray<long> shape = [numExperts, cols, tensorRows];
        for (long expert = 0; expert < numExperts; expert++)
        {
            slices.Add(new MatrixSlice(tensor, shape, checked(expert * cols), step, expert, 0, rows, Transposed: true, SourceColumn: firstRow));
        }

        return new MatrixSource(tensor, numExperts, rows, cols, slices.MoveToImmutable());
    }

    /// <summary>
    /// A matrix a head, of which tensor [heads * headRows, cols] (or [heads, headRows, cols]) holds rows [firstRow, firstRow + rows)
    /// of each head; <paramref name="turned"/>: each head's matrix is [cols, rows], the stored rows being its columns.
    /// </summary>
    public static MatrixSource Heads(string tensor, ImmutableArray<long> tensorShape, long numHeads, long headRows, long firstRow, long rows, bool turned = false)
    {
        ImmutableArray<MatrixSlice>.Builder slices = ImmutableArray.CreateBuilder<MatrixSlice>(checked((int)numHeads));
        long cols = tensorShape[^1];
        for (long head = 0; head < numHeads; head++)
        {
            slices.Add(new MatrixSlice(tensor, tensorShape, checked((head * headRows) + firstRow), 1, head, 0, turned ? cols : rows, Turned: turned));
        }

        return turned
            ? new MatrixSource(tensor, numHeads, cols, rows, slices.MoveToImmutable())
            : new MatrixSource(tensor, numHeads, rows, cols, slices.MoveToImmutable());
    }

    /// <summary>The rows of the second matrix after those of the first, which has as many columns; neither is a stack.</summary>
    public static MatrixSource Joined(MatrixSource first, MatrixSource second)
    {
        ArgumentNullException.ThrowIfNull(first);
        ArgumentNullException.ThrowIfNull(second);
        return (first.NumExperts, second.NumExperts) == (1, 1) && first.Cols == second.Cols
            ? new MatrixSource(first.Name, 1, first.Rows + second.Rows, first.Cols, [.. first.Slices, .. second.Slices.Select(s => s with { TargetRow = first.Rows + s.TargetRow })])
            : throw new ArgumentException($"{first} and {second} do not make one matrix.", nameof(second));
    }

    /// <inheritdoc/>
    public override string ToString() => NumExperts == 1 ? $"{Name} [{Rows}, {Cols}]" : $"{Name} [{NumExperts}, {Rows}, {Cols}]";
}
