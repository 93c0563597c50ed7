namespace Moesaic.Cli.BenchServe;

/// <summary>When each request is to be sent, whatever became of those before it.</summary>
internal static class ArrivalSchedule
{
    /// <summary>
    /// Seconds after the start, ascending, the first at 0. Pauses are gamma distributed with the given shape; they are scaled so
    /// that the requests take count / rate seconds in all, as the asked-for rate says, whatever was drawn.
    /// </summary>
    /// <param name="count">How many, at least 1.</param>
    /// <param name="rate">Requests a second; infinity for all at once.</param>
    /// <param name="burstiness">Shape of the distribution; 1 makes a Poisson process.</param>
    /// <param name="random">Where the pauses are drawn from.</param>
    public static double[] Draw(int count, double rate, double burstiness, BenchRandom random)
    {
        double[] due = new double[count];
        if (double.IsPositiveInfinity(rate))
        {
            return due;
        }

        double total = 0;
        for (int i = 0; i < count; i++)
        {
            due[i] = total;
            total += random.NextGamma(burstiness);
        }

        double scale = count / rate / total;
        for (int i = 0; i < count; i++)
        {
            due[i] *= scale;
        }

        return due;
    }
}
