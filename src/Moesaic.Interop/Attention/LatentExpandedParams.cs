namespace Moesaic.Interop;

/// <summary>Latent attention in its expanded form: keys and values of every visible position are computed per head, then
/// softmax(scale * q k^T) v, causal.</summary>
public readonly ref struct LatentExpandedParams
{
    public required Precision Precision { get; init; }

    /// <summary>Layer within the cache's group.</summary>
    public required long Layer { get; init; }

    public required long NumQueryHeads { get; init; }

    /// <summary>[T, query heads * (n + d)]: per head the channels of <see cref="Key"/>, then the rotated ones.</summary>
    public required Tensor Query { get; init; }

    /// <summary>A matrix [n, latent width] a head.</summary>
    public required Weight Key { get; init; }

    /// <summary>A matrix [v, latent width] a head.</summary>
    public required Weight Value { get; init; }

    /// <summary>[T, query heads * v]</summary>
    public required Tensor Output { get; init; }

    public required float Scale { get; init; }
}
