namespace Moesaic.Models.Encoder;

/// <summary>act in down(act(up x)).</summary>
public enum EncoderActivation
{
    /// <summary>x (1 + erf(x / sqrt 2)) / 2.</summary>
    Gelu = 1,

    /// <summary>Its tanh approximation.</summary>
    GeluTanh = 2,
}
