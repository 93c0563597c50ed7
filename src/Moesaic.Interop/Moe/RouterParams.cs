namespace Moesaic.Interop;

/// <summary>Chooses experts. z = W x + bias in float32; p = score(z); selection score s = p + selection bias. With several
/// groups only experts of the <see cref="KeptGroups"/> best are eligible. Ids are the <see cref="TopK"/> largest s, best
/// first, ties to the lower index; weights are p of the chosen, without the selection bias, divided by their sum +
/// <see cref="NormEpsilon"/> if <see cref="Normalise"/>, times <see cref="Scale"/>.</summary>
public readonly ref struct RouterParams
{
    public RouterParams()
    {
    }

    public required RouterScore Score { get; init; }

    public RouterGroupRule GroupRule { get; init; }

    public int NumGroups { get; init; } = 1;

    public int KeptGroups { get; init; } = 1;

    public required int TopK { get; init; }

    public bool Normalise { get; init; }

    public float NormEpsilon { get; init; }

    public float Scale { get; init; } = 1;

    /// <summary>[T, H]</summary>
    public required Tensor Input { get; init; }

    /// <summary>Dense weight [E, H]; always evaluated in float32.</summary>
    public required Weight Weight { get; init; }

    /// <summary>Optional [1, E], part of the logits.</summary>
    public Tensor Bias { get; init; }

    /// <summary>Optional [1, E], selection only.</summary>
    public Tensor SelectionBias { get; init; }

    /// <summary>Optional [T, top k] int32: choices of another run, replayed; weights are still this run's own. With an overflow
    /// rule an id may be -1 (dropped), and replayed choices are counted but not limited.</summary>
    public Tensor ForcedIds { get; init; }

    /// <summary>[T, top k] int32; -1 where a choice was dropped.</summary>
    public required Tensor Ids { get; init; }

    /// <summary>[T, top k]</summary>
    public required Tensor Weights { get; init; }

    /// <summary>What becomes of a choice whose expert is full; if unlimited, nothing below is used.</summary>
    public RouterOverflow Overflow { get; init; }

    /// <summary>Order in which the choices of a sequence's tokens in a step are offered.</summary>
    public RouterQueue Queue { get; init; }

    /// <summary>Choices of a sequence that an expert takes at least; 0 only with a factor.</summary>
    public long Capacity { get; init; }

    /// <summary>1: room for every choice of the sequence so far, were they spread evenly; 0: <see cref="Capacity"/> alone.</summary>
    public float CapacityFactor { get; init; }

    /// <summary>The step.</summary>
    public Batch? Batch { get; init; }

    /// <summary>The cache whose pages hold the counts; see <see cref="KvCacheDescription.RoutedExperts"/>.</summary>
    public KvCache? Cache { get; init; }

    /// <summary>Layer within the cache's group.</summary>
    public long CacheLayer { get; init; }
}
