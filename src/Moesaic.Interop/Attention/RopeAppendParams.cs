namespace Moesaic.Interop;

/// <summary>QK-norm, rotary embedding and append to the cache, per token and head: q = rope(norm(q)) in place; the cache
/// receives rope(norm(k)) and v.</summary>
public readonly ref struct RopeAppendParams
{
    public RopePairing Pairing { get; init; }

    /// <summary>Layer within the cache's group.</summary>
    public required long Layer { get; init; }

    public required long NumQueryHeads { get; init; }

    /// <summary>[T, query heads * key width], changed in place.</summary>
    public required Tensor Query { get; init; }

    /// <summary>[T, KV heads * key width]</summary>
    public required Tensor Key { get; init; }

    /// <summary>[T, KV heads * value width]</summary>
    public required Tensor Value { get; init; }

    /// <summary>Optional RMSNorm before the rotation: [1, key width] of each query head, [1, query heads * key width] of all together.</summary>
    public Tensor QueryNorm { get; init; }

    /// <summary>As <see cref="QueryNorm"/>, of the key.</summary>
    public Tensor KeyNorm { get; init; }

    /// <summary>Optional [T, d], d at most the key width and even: the first d channels of each head are rotated.</summary>
    public Tensor RopeTable { get; init; }

    public float NormEpsilon { get; init; }
}
