using System.Runtime.Intrinsics;

namespace Moesaic.Models.Quantisation;

/// <summary>
/// Finds scale and minimum that make the weighted error, the sum of w (scale q + minimum - x)^2 with q = 0..levels, small. For
/// fixed q both follow from the normal equations; their q is then taken again.
/// </summary>
/// <remarks>Spans have a multiple of 8 elements.</remarks>
internal static class AffineFit
{
    private const int Attempts = 16;
    private const int Refinements = 3;

    /// <summary>Scale and minimum that map the smallest value to 0 and the largest to <paramref name="levels"/>.</summary>
    /// <param name="x">Values.</param>
    /// <param name="levels">Largest q.</param>
    /// <param name="atMostZero">Whether the minimum must not be above 0.</param>
    public static (float Scale, float Minimum) Plain(ReadOnlySpan<float> x, int levels, bool atMostZero)
    {
        float least = x[0], most = x[0];
        foreach (float value in x)
        {
            least = Math.Min(least, value);
            most = Math.Max(most, value);
        }

        least = atMostZero ? Math.Min(least, 0) : least;
        return (Math.Max((most - least) / levels, 0), least);
    }

    /// <inheritdoc cref="Plain"/>
    public static (float Scale, float Minimum) Find(ReadOnlySpan<float> x, ReadOnlySpan<float> w, int levels, bool atMostZero)
    {
        (float scale, float minimum) best = Plain(x, levels, atMostZero);
        if (best.scale == 0)
        {
            return best;
        }

        float least = Error(x, w, best.scale, best.minimum, levels);
        (float scale, float minimum) plain = best;
        for (int i = 0; i < Attempts; i++)
        {
            // Attempts cut off up to a quarter of the range, half of that at either end.
            float cut = 0.25f * i / Attempts;
            (float scale, float minimum) next = (plain.scale * (1 - cut), plain.minimum + (plain.scale * levels * cut / 2));
            next.minimum = atMostZero ? Math.Min(next.minimum, 0) : next.minimum;
            for (int round = 0; round < Refinements; round++)
            {
                next = Solve(x, w, next.scale, next.minimum, levels, atMostZero);
                if (next.scale <= 0 || !float.IsFinite(next.scale) || !float.IsFinite(next.minimum))
                {
                    break;
                }

                float error = Error(x, w, next.scale, next.minimum, levels);
                if (error >= least)
                {
                    continue;
                }

                least = error;
                best = next;
            }
        }

        return best;
    }

    /// <summary>Sum of w (scale q + minimum - x)^2.</summary>
    public static float Error(ReadOnlySpan<float> x, ReadOnlySpan<float> w, float scale, float minimum, int levels)
    {
        Vector256<float> sum = Vector256<float>.Zero, s = Vector256.Create(scale), m = Vector256.Create(minimum);
        Vector256<float> inverse = Vector256.Create(ScaleFit.Inverse(scale));
        IntegerGrid grid = new(0, levels);
        for (int i = 0; i < x.Length; i += 8)
        {
            Vector256<float> value = Vector256.Create(x[i..]);
            Vector256<float> off = (s * grid.Nearest((value - m) * inverse)) + m - value;
            sum += Vector256.Create(w[i..]) * off * off;
        }

        return Vector256.Sum(sum);
    }

    private static (float Scale, float Minimum) Solve(ReadOnlySpan<float> x, ReadOnlySpan<float> w, float scale, float minimum, int levels, bool atMostZero)
    {
        Vector256<float> m = Vector256.Create(minimum), inverse = Vector256.Create(ScaleFit.Inverse(scale));
        Vector256<float> sw = Vector256<float>.Zero, sx = sw, sq = sw, sqq = sw, sxq = sw;
        IntegerGrid grid = new(0, levels);
        for (int i = 0; i < x.Length; i += 8)
        {
            Vector256<float> value = Vector256.Create(x[i..]), weight = Vector256.Create(w[i..]);
            Vector256<float> q = grid.Nearest((value - m) * inverse);
            sw += weight;
            sx += weight * value;
            sq += weight * q;
            sqq += weight * q * q;
            sxq += weight * q * value;
        }

        double one = Vector256.Sum(sw), ofX = Vector256.Sum(sx), ofQ = Vector256.Sum(sq), ofQQ = Vector256.Sum(sqq), ofXQ = Vector256.Sum(sxq);
        double determinant = (one * ofQQ) - (ofQ * ofQ);
        if (determinant <= 0)
        {
            return (0, minimum);
        }

        double newMinimum = ((ofQQ * ofX) - (ofQ * ofXQ)) / determinant;
        return atMostZero && newMinimum > 0
            ? ((float)(ofXQ / ofQQ), 0)
            : ((float)(((one * ofXQ) - (ofX * ofQ)) / determinant), (float)newMinimum);
    }
}
