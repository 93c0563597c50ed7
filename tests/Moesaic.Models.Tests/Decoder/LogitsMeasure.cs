namespace Moesaic.Models.Tests.Decoder;

internal static class LogitsMeasure
{
    /// <summary>Normalised mean-square error: sum of squared differences over sum of squares of the reference.</summary>
    public static double Nmse(IEnumerable<float[]> found, IEnumerable<float[]> reference)
    {
        double error = 0, size = 0;
        foreach ((float[] a, float[] b) in found.Zip(reference))
        {
            for (int i = 0; i < b.Length; i++)
            {
                error += Math.Pow((double)a[i] - b[i], 2);
                size += (double)b[i] * b[i];
            }
        }

        return error / size;
    }

    public static int Argmax(ReadOnlySpan<float> row)
    {
        int best = 0;
        for (int i = 1; i < row.Length; i++)
        {
            if (row[i] > row[best])
            {
                best = i;
            }
        }

        return best;
    }
}
