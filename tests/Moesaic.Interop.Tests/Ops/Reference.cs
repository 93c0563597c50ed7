namespace Moesaic.Interop.Tests;

/// <summary>The formulas of the ops, spelt out in double precision.</summary>
internal static class Reference
{
    public const float Tolerance = 1e-4f;

    /// <summary>Repeatable values in [-1, 1).</summary>
    public static float[] Values(int count, int seed)
    {
        Random random = new(seed);
        float[] values = new float[count];
        for (int i = 0; i < count; i++)
        {
            values[i] = (random.NextSingle() * 2) - 1;
        }

        return values;
    }

    /// <summary>y = W x for a matrix that starts at <paramref name="matrix"/>.</summary>
    public static double[] Multiply(ReadOnlySpan<float> matrix, int rows, ReadOnlySpan<float> x)
    {
        double[] y = new double[rows];
        for (int r = 0; r < rows; r++)
        {
            for (int c = 0; c < x.Length; c++)
            {
                y[r] += (double)matrix[(r * x.Length) + c] * x[c];
            }
        }

        return y;
    }

    public static double Silu(double x) => x / (1 + Math.Exp(-x));

    /// <summary>down(silu(gate x) * up x)</summary>
    public static double[] Mlp(ReadOnlySpan<float> gate, ReadOnlySpan<float> up, ReadOnlySpan<float> down, int inner, ReadOnlySpan<float> x)
    {
        double[] g = Multiply(gate, inner, x);
        double[] u = Multiply(up, inner, x);
        float[] hidden = [.. g.Zip(u, (a, b) => (float)(Silu(a) * b))];
        return Multiply(down, x.Length, hidden);
    }

    public static double[] RmsNorm(ReadOnlySpan<float> x, ReadOnlySpan<float> weight, double epsilon)
    {
        double squares = 0;
        foreach (float value in x)
        {
            squares += (double)value * value;
        }

        double scale = 1 / Math.Sqrt((squares / x.Length) + epsilon);
        double[] y = new double[x.Length];
        for (int i = 0; i < y.Length; i++)
        {
            y[i] = weight[i] * x[i] * scale;
        }

        return y;
    }

    public static double[] Softmax(params double[] x)
    {
        double max = x.Max();
        double[] e = [.. x.Select(v => Math.Exp(v - max))];
        double sum = e.Sum();
        return [.. e.Select(v => v / sum)];
    }
}
