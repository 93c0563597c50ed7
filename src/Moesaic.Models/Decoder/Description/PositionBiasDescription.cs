namespace Moesaic.Models.Decoder;

/// <summary>
/// Relative position bias (T5, Raffel et al. 2020, section 2.1): a learned number for each head and bucket of distances between
/// key and query, added to the scores. Small distances have a bucket each, larger ones share buckets that widen
/// logarithmically up to <see cref="MaxDistance"/>; all beyond share the last.
/// </summary>
/// <param name="Table">[buckets, heads], row by row.</param>
/// <param name="NumHeads">Query heads.</param>
/// <param name="NumBuckets">Buckets; half of them for keys behind the query if <paramref name="IsBidirectional"/>.</param>
/// <param name="MaxDistance">From here on all distances share a bucket.</param>
/// <param name="IsBidirectional">Whether keys may lie behind the query.</param>
public sealed record PositionBiasDescription(VectorSource Table, int NumHeads, int NumBuckets, int MaxDistance, bool IsBidirectional)
{
    /// <summary>The bucket of a key at position j for a query at i.</summary>
    /// <param name="distance">j - i.</param>
    public int BucketOf(int distance)
    {
        int buckets = IsBidirectional ? NumBuckets / 2 : NumBuckets;
        int first = IsBidirectional && distance > 0 ? buckets : 0;
        int apart = IsBidirectional ? Math.Abs(distance) : Math.Max(0, -distance);
        int exact = buckets / 2;
        if (apart < exact)
        {
            return first + apart;
        }

        // In float32, as the family's own code decides at the edges of buckets.
        float share = MathF.Log((float)apart / exact) / (float)Math.Log((double)MaxDistance / exact) * (buckets - exact);
        return first + Math.Min(buckets - 1, exact + (int)share);
    }

    /// <summary>The table by head and distance from -<see cref="MaxDistance"/> to <see cref="MaxDistance"/>: [heads, 2 * distance + 1].</summary>
    /// <param name="table">[buckets, heads].</param>
    public float[] Expand(ReadOnlySpan<float> table)
    {
        int cols = (2 * MaxDistance) + 1;
        float[] expanded = new float[checked(NumHeads * cols)];
        for (int i = 0; i < cols; i++)
        {
            int bucket = BucketOf(i - MaxDistance);
            for (int head = 0; head < NumHeads; head++)
            {
                expanded[(head * cols) + i] = table[(bucket * NumHeads) + head];
            }
        }

        return expanded;
    }
}
