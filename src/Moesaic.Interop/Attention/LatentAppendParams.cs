namespace Moesaic.Interop;

/// <summary>Latent attention: rotates the queries' last d channels and appends [norm(latent) | rotated key] to the cache;
/// d is the cache's key width less its latent width.</summary>
public readonly ref struct LatentAppendParams
{
    public required RopePairing Pairing { get; init; }

    /// <summary>Layer within the cache's group.</summary>
    public required long Layer { get; init; }

    public required long NumQueryHeads { get; init; }

    /// <summary>[T, query heads * w], w at least d</summary>
    public required Tensor Query { get; init; }

    /// <summary>[T, query heads * u], u at least d: the last d channels of each head receive the rotated ones. The query
    /// itself, or apart from it.</summary>
    public required Tensor Rotated { get; init; }

    /// <summary>[T, key width]: the latent as projected, then the key that all heads share.</summary>
    public required Tensor Latent { get; init; }

    /// <summary>[1, latent width]: RMSNorm of the latent.</summary>
    public required Tensor NormWeight { get; init; }

    /// <summary>[T, d]</summary>
    public required Tensor RopeTable { get; init; }

    public required float NormEpsilon { get; init; }
}
