namespace Moesaic.Models.Encoder;

/// <summary>Pooling of a text's vectors, then division by the L2 norm (at least 1e-12) if <paramref name="Normalise"/>.</summary>
/// <param name="Kind">Which vectors count.</param>
/// <param name="Normalise">Whether the result has length 1.</param>
public sealed record PoolingDescription(PoolingKind Kind, bool Normalise)
{
    /// <summary>For checkpoints that say nothing: the normalised mean.</summary>
    public static PoolingDescription Default { get; } = new(PoolingKind.Mean, true);

    private const double LeastNorm = 1e-12;

    /// <summary>Pools the vectors of one text.</summary>
    /// <param name="hidden">[tokens, width], at least one token.</param>
    /// <param name="vector">[width].</param>
    public void Apply(ReadOnlySpan<float> hidden, Span<float> vector)
    {
        int width = vector.Length;
        int tokens = hidden.Length / width;
        switch (Kind)
        {
            case PoolingKind.FirstToken:
                hidden[..width].CopyTo(vector);
                break;
            case PoolingKind.LastToken:
                hidden.Slice((tokens - 1) * width, width).CopyTo(vector);
                break;
            default:
                Mean(hidden, tokens, vector);
                break;
        }

        if (Normalise)
        {
            Divide(vector);
        }
    }

    // Channel by channel, tokens from first to last, in double: the order is the text's own.
    private static void Mean(ReadOnlySpan<float> hidden, int tokens, Span<float> vector)
    {
        int width = vector.Length;
        for (int c = 0; c < width; c++)
        {
            double sum = 0;
            for (int t = 0; t < tokens; t++)
            {
                sum += hidden[(t * width) + c];
            }

            vector[c] = (float)(sum / tokens);
        }
    }

    private static void Divide(Span<float> vector)
    {
        double squares = 0;
        foreach (float value in vector)
        {
            squares += (double)value * value;
        }

        double factor = 1 / Math.Max(Math.Sqrt(squares), LeastNorm);
        foreach (ref float value in vector)
        {
            value = (float)(value * factor);
        }
    }
}
