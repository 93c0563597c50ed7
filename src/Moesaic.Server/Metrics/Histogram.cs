namespace Moesaic.Server.Metrics;

/// <summary>Counts of values by upper bounds, as Prometheus defines them. Any thread; allocates nothing.</summary>
/// <param name="bounds">Upper bounds in ascending order; a last one, infinity, is added.</param>
internal sealed class Histogram(double[] bounds)
{
    private readonly long[] _counts = new long[bounds.Length + 1];
    private double _sum;

    public ReadOnlySpan<double> Bounds => bounds;

    /// <summary>Sum of all values.</summary>
    public double Sum => Volatile.Read(ref _sum);

    public void Observe(double value)
    {
        int bucket = 0;
        while (bucket < bounds.Length && value > bounds[bucket])
        {
            bucket++;
        }

        Interlocked.Increment(ref _counts[bucket]);
        double seen = Volatile.Read(ref _sum);
        while (true)
        {
            double before = Interlocked.CompareExchange(ref _sum, seen + value, seen);
            if (before.Equals(seen))
            {
                return;
            }

            seen = before;
        }
    }

    /// <summary>Values in one bucket alone; the last bucket holds those above all bounds.</summary>
    public long Count(int bucket) => Interlocked.Read(ref _counts[bucket]);
}
