using Moesaic.Bindings;

namespace Moesaic.Interop;

/// <summary>Which arithmetic is measured.</summary>
public enum ArithmeticPeak
{
    /// <summary>Full-range 8-bit dot products into 32 bits, with the best instruction in use.</summary>
    Int8Dot = MscPeak.Int8Dot,

    /// <summary>bf16 dot products into float32; refused where the device does not use that instruction.</summary>
    Bf16Dot = MscPeak.Bf16Dot,

    F32Fma = MscPeak.F32Fma,
}
