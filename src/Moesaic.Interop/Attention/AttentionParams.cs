namespace Moesaic.Interop;

/// <summary>softmax(scale * q k^T + mask) v over the cached positions of each sequence, the batch's own included.</summary>
public readonly ref struct AttentionParams
{
    public AttentionParams()
    {
    }

    public Precision Precision { get; init; }

    /// <summary>Layer within the cache's group.</summary>
    public required long Layer { get; init; }

    public required long NumQueryHeads { get; init; }

    /// <summary>[T, query heads * key width]</summary>
    public required Tensor Query { get; init; }

    /// <summary>[T, query heads * value width]; latent width over a latent cache.</summary>
    public required Tensor Output { get; init; }

    /// <summary>Factor of the scores, usually 1 / sqrt(key width).</summary>
    public required float Scale { get; init; }

    /// <summary>tanh soft cap of the scores; 0: none.</summary>
    public float SoftCap { get; init; }

    /// <summary>Positions looked back on, itself included; 0: all. Must be 0 when bidirectional.</summary>
    public long Window { get; init; }

    /// <summary>False: bidirectional, every query sees the positions below the batch's key length of its sequence
    /// (<see cref="BatchContent.KeyLengths"/>).</summary>
    public bool IsCausal { get; init; } = true;

    /// <summary>Optional [1, query heads]: a logit per head added to the softmax's denominator alone.</summary>
    public Tensor Sinks { get; init; }

    /// <summary>Optional [query heads, 2 D + 1]: added to the scaled score of a key at j and a query at i is entry
    /// clamp(j - i, -D, D) + D of the head's row.</summary>
    public Tensor Bias { get; init; }
}
