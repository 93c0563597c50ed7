namespace Moesaic.Models.Decoder;

/// <summary>act in down(act(gate x) * up x).</summary>
public enum GatedActivation
{
    /// <summary>x * sigmoid(x).</summary>
    Silu = 1,

    /// <summary>The tanh approximation of GELU.</summary>
    GeluTanh = 2,

    /// <summary>
    /// g * sigmoid(alpha g) * (u + 1) for act(gate) * up, with g = min(gate, limit) and u = clamp(up, -limit, limit) (GPT-OSS).
    /// </summary>
    ClampedSilu = 3,

    /// <summary>max(0, x), without a gate: down(act(up x)).</summary>
    Relu = 8,
}
