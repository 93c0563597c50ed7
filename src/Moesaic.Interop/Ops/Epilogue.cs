using Moesaic.Bindings;

namespace Moesaic.Interop;

/// <summary>What a linear layer does with its products.</summary>
public enum Epilogue
{
    /// <summary>out = y</summary>
    Store = MscEpilogue.Store,

    /// <summary>out = out + y (the residual stream)</summary>
    Add = MscEpilogue.Add,

    /// <summary>Exactly two weights, gate and up, of equal shape: out[0] = silu(gate) * up (SwiGLU).</summary>
    SwiGlu = MscEpilogue.Swiglu,

    /// <summary>As <see cref="SwiGlu"/> with gelu_tanh for silu.</summary>
    GeluTanhGlu = MscEpilogue.GeluTanhGlu,

    /// <summary>As <see cref="SwiGlu"/> with g = min(gate, limit), u = clamp(up, -limit, limit):
    /// out[0] = g * sigmoid(alpha * g) * (u + 1) (GPT-OSS).</summary>
    SwiGluClamped = MscEpilogue.SwigluClamped,

    /// <summary>out = gelu(y), gelu(x) = x (1 + erf(x / sqrt 2)) / 2; of each target, after its bias.</summary>
    Gelu = MscEpilogue.Gelu,

    /// <summary>out = gelu_tanh(y), likewise.</summary>
    GeluTanh = MscEpilogue.GeluTanh,

    /// <summary>out = max(0, y), likewise.</summary>
    Relu = MscEpilogue.Relu,
}
