namespace Moesaic.Models.Export;

/// <summary>Mean squares of what the columns of each matrix are multiplied with, over calibration text. Thread-safe to read.</summary>
public sealed class ImportanceMatrix
{
    // Columns that the text did not reach still count a little: other texts will.
    private const float Floor = 0.01f;

    private readonly Dictionary<string, (double[] Sums, long Rows)> _byTensor = new(StringComparer.Ordinal);

    /// <summary>Number of matrices that were seen.</summary>
    public int Count => _byTensor.Count;

    /// <summary>Adds input rows of a matrix.</summary>
    /// <param name="tensor">The stored tensor that the matrix's first row comes from.</param>
    /// <param name="rows">[rows, columns].</param>
    /// <param name="cols">Columns.</param>
    public void Add(string tensor, ReadOnlySpan<float> rows, int cols)
    {
        (double[] sums, long count) = _byTensor.TryGetValue(tensor, out (double[] Sums, long Rows) found) ? found : (new double[cols], 0);
        for (int i = 0; i < rows.Length; i++)
        {
            sums[i % cols] += (double)rows[i] * rows[i];
        }

        _byTensor[tensor] = (sums, count + (rows.Length / cols));
    }

    /// <summary>Weights of a matrix's columns, 1 on average; false where the text did not reach it.</summary>
    internal bool TryGetWeights(string tensor, Span<float> weights)
    {
        if (!_byTensor.TryGetValue(tensor, out (double[] Sums, long Rows) found) || found.Sums.Length != weights.Length)
        {
            return false;
        }

        double mean = found.Sums.Average();
        if (!(mean > 0) || !double.IsFinite(mean))
        {
            return false;
        }

        for (int i = 0; i < weights.Length; i++)
        {
            weights[i] = ((float)(found.Sums[i] / mean) + Floor) / (1 + Floor);
        }

        return true;
    }
}
