using Moesaic.Bindings;

namespace Moesaic.Interop;

/// <summary>Arithmetic of an op.</summary>
public enum Precision
{
    /// <summary>Float32 activations and float32 arithmetic on the exact dequantised weights.</summary>
    Reference = MscPrecision.Reference,

    /// <summary>The best instructions of the device; activations may be rounded to int8 (per 32 values) or bf16.</summary>
    Fast = MscPrecision.Fast,
}
