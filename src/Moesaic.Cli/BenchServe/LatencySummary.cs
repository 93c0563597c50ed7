namespace Moesaic.Cli.BenchServe;

/// <summary>One kind of latency over all successful requests.</summary>
internal sealed class LatencySummary
{
    private readonly double[] _sorted;

    /// <param name="name">Short name, as options and JSON have it.</param>
    /// <param name="title">Heading in the table.</param>
    /// <param name="seconds">The values; those that are no number are left out.</param>
    public LatencySummary(string name, string title, IEnumerable<double> seconds)
    {
        (Name, Title) = (name, title);
        _sorted = [.. seconds.Where(double.IsFinite).Order()];
        Mean = _sorted.Length == 0 ? 0 : _sorted.Average();
        StandardDeviation = _sorted.Length == 0 ? 0 : Math.Sqrt(_sorted.Sum(s => (s - Mean) * (s - Mean)) / _sorted.Length);
    }

    public string Name { get; }

    public string Title { get; }

    /// <summary>The values in seconds, ascending.</summary>
    public IReadOnlyList<double> Sorted => _sorted;

    /// <summary>In seconds; 0 without values.</summary>
    public double Mean { get; }

    /// <summary>Of the population, in seconds.</summary>
    public double StandardDeviation { get; }

    public double Median => Percentile(50);

    /// <summary>The value, in seconds, below which so many percent are; between two values, in proportion (as NumPy's default).</summary>
    public double Percentile(double percent)
    {
        if (_sorted.Length == 0)
        {
            return 0;
        }

        double position = percent / 100 * (_sorted.Length - 1);
        int below = Math.Min((int)position, _sorted.Length - 1);
        int above = Math.Min(below + 1, _sorted.Length - 1);
        return _sorted[below] + ((_sorted[above] - _sorted[below]) * (position - below));
    }
}
