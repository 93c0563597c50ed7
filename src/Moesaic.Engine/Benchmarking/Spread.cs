namespace Moesaic.Engine.Benchmarking;

/// <summary>Smallest, middle and largest of several measurements.</summary>
public readonly record struct Spread(double Min, double Median, double Max)
{
    /// <summary>Of at least one value; the median of an even number is the mean of the middle two.</summary>
    public static Spread Of(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        ArgumentOutOfRangeException.ThrowIfZero(sorted.Length, nameof(values));
        int middle = sorted.Length / 2;
        double median = sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
        return new Spread(sorted[0], median, sorted[^1]);
    }
}
