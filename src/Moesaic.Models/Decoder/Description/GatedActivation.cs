namespace Moesaic.Models.Decoder;

/// <summary>act in down(act(gate x) * up x).</summary>
public enum GatedActivation
{
    /// <summary>x * sigmoid(x).</summary>
    Silu = 1,

    /// <summary>The tanh approximation of GELU.</summary>
    GeluTanh = 2,
}
