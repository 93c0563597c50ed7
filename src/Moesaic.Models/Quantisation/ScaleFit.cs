using System.Runtime.Intrinsics;

namespace Moesaic.Models.Quantisation;

/// <summary>
/// Finds the scale d that makes the weighted error, the sum of w (x - d q)^2 with q = nearest(x / d), small. For fixed q
/// the best scale is sum(w x q) / sum(w q^2), which lowers the error by sum(w x q)^2 / sum(w q^2).
/// </summary>
/// <remarks>Spans have a multiple of 8 elements.</remarks>
internal static class ScaleFit
{
    private const int Refinements = 3;

    /// <summary>The element of the largest magnitude, with its sign.</summary>
    public static float Extreme(ReadOnlySpan<float> x)
    {
        float extreme = 0;
        foreach (float value in x)
        {
            extreme = Math.Abs(value) > Math.Abs(extreme) ? value : extreme;
        }

        return extreme;
    }

    /// <param name="grid">What elements may be.</param>
    /// <param name="x">Values.</param>
    /// <param name="w">Their weights in the error.</param>
    /// <param name="targets">Grid values that the value of largest magnitude is brought to, each the start of one attempt.</param>
    /// <returns>The scale, of either sign; 0 when all values are.</returns>
    public static float Find<TGrid>(TGrid grid, ReadOnlySpan<float> x, ReadOnlySpan<float> w, ReadOnlySpan<float> targets)
        where TGrid : struct, IGrid
    {
        float extreme = Extreme(x);
        float scale = 0, best = 0;
        if (!float.IsFinite(1 / extreme))
        {
            return 0;
        }

        foreach (float target in targets)
        {
            _ = Try(target / extreme, x, w);
        }

        for (int i = 0; i < Refinements && scale != 0 && float.IsFinite(1 / scale) && Try(1 / scale, x, w); i++)
        {
        }

        return scale;

        bool Try(float inverse, ReadOnlySpan<float> x, ReadOnlySpan<float> w)
        {
            (float xq, float qq) = Sums(grid, x, w, inverse);
            float gain = qq > 0 ? xq * xq / qq : 0;
            if (gain <= best)
            {
                return false;
            }

            best = gain;
            scale = xq / qq;
            return true;
        }
    }

    /// <summary>Sum of w (x - d q)^2.</summary>
    public static float Error<TGrid>(TGrid grid, ReadOnlySpan<float> x, ReadOnlySpan<float> w, float scale)
        where TGrid : struct, IGrid
    {
        Vector256<float> sum = Vector256<float>.Zero;
        Vector256<float> inverse = Vector256.Create(Inverse(scale)), d = Vector256.Create(scale);
        for (int i = 0; i < x.Length; i += 8)
        {
            Vector256<float> value = Vector256.Create(x[i..]);
            Vector256<float> off = value - (d * grid.Nearest(value * inverse));
            sum += Vector256.Create(w[i..]) * off * off;
        }

        return Vector256.Sum(sum);
    }

    /// <summary>Sums of w x q and w q^2.</summary>
    public static (float XQ, float QQ) Sums<TGrid>(TGrid grid, ReadOnlySpan<float> x, ReadOnlySpan<float> w, float inverse)
        where TGrid : struct, IGrid
    {
        Vector256<float> xq = Vector256<float>.Zero, qq = Vector256<float>.Zero, factor = Vector256.Create(inverse);
        for (int i = 0; i < x.Length; i += 8)
        {
            Vector256<float> value = Vector256.Create(x[i..]);
            Vector256<float> q = grid.Nearest(value * factor);
            Vector256<float> wq = Vector256.Create(w[i..]) * q;
            xq += wq * value;
            qq += wq * q;
        }

        return (Vector256.Sum(xq), Vector256.Sum(qq));
    }

    /// <summary>1 / scale; 0 where there is none.</summary>
    public static float Inverse(float scale) => float.IsFinite(1 / scale) ? 1 / scale : 0;
}
