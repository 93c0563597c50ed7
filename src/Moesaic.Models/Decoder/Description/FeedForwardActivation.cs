namespace Moesaic.Models.Decoder;

/// <summary>act of a feed-forward block: in down(act(gate x) * up x), or in down(act(up x)) of a block without a gate.</summary>
public enum FeedForwardActivation
{
    /// <summary>x * sigmoid(x), with a gate.</summary>
    Silu = 1,

    /// <summary>The tanh approximation of GELU, with a gate.</summary>
    GeluTanh = 2,

    /// <summary>
    /// With a gate, g * sigmoid(alpha g) * (u + 1) for act(gate) * up, with g = min(gate, limit) and u = clamp(up, -limit, limit) (GPT-OSS).
    /// </summary>
    ClampedSilu = 3,

    /// <summary>max(0, x), without a gate.</summary>
    Relu = 8,
}
