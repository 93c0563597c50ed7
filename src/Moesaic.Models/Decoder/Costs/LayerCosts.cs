namespace Moesaic.Models.Decoder;

/// <summary>What one layer, or the part outside the layers, holds and does for one token.</summary>
/// <param name="Parameters">Parameters held.</param>
/// <param name="ActiveParameters">Parameters that one token uses.</param>
/// <param name="DenseBytes">Bytes of the weights that every step reads.</param>
/// <param name="ExpertBytes">Bytes of one routed expert (gate, up and down); 0 without experts.</param>
/// <param name="NumExperts">Routed experts held.</param>
/// <param name="TopK">Routed experts a token uses.</param>
/// <param name="MultiplyAdds">Multiply-adds of the linear maps for one token.</param>
/// <param name="CachedKeyChannels">Channels of keys cached a token.</param>
/// <param name="CachedValueChannels">Channels of values cached a token.</param>
/// <param name="CachedHeads">Key-value heads cached.</param>
/// <param name="AttentionMultiplyAdds">Multiply-adds of attention for each position looked back on.</param>
/// <param name="Window">Positions looked back on; 0: all.</param>
public sealed record LayerCosts(
    long Parameters,
    long ActiveParameters,
    long DenseBytes,
    long ExpertBytes,
    int NumExperts,
    int TopK,
    long MultiplyAdds,
    long CachedKeyChannels,
    long CachedValueChannels,
    int CachedHeads,
    long AttentionMultiplyAdds,
    int Window)
{
    /// <summary>Bytes of keys and values cached for one position.</summary>
    public long CacheBytesPerToken(KvFormat format) => format switch
    {
        KvFormat.F32 => 4 * (CachedKeyChannels + CachedValueChannels),
        KvFormat.BF16 => 2 * (CachedKeyChannels + CachedValueChannels),

        // A float32 scale a head for keys and one for values.
        KvFormat.Int8 => CachedKeyChannels + CachedValueChannels + (2L * 4 * CachedHeads),
        _ => throw new ArgumentOutOfRangeException(nameof(format), format, "Unknown cache format."),
    };

    /// <summary>Positions that a token at the end of a context looks back on, itself included.</summary>
    public long VisiblePositions(long contextLength) => Window == 0 ? contextLength : Math.Min(contextLength, Window);

    /// <summary>
    /// Bytes of weights that one decode step over <paramref name="batch"/> sequences reads. Where tokens choose experts
    /// independently and evenly, E (1 - (1 - K/E)^batch) of E experts are touched; exactly K for one sequence.
    /// </summary>
    public double WeightBytesPerStep(int batch)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(batch, 1);
        double touched = NumExperts == 0 ? 0
            : batch == 1 ? TopK
            : NumExperts * (1 - Math.Pow(1 - ((double)TopK / NumExperts), batch));
        return DenseBytes + (touched * ExpertBytes);
    }
}
