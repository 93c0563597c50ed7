using Moesaic.Bindings;

namespace Moesaic.Interop;

/// <summary>CPU instruction-set levels, lowest first.</summary>
public enum InstructionSet
{
    /// <summary>The best that this machine has.</summary>
    Auto = MscIsa.Auto,
    Portable = MscIsa.Portable,
    Avx2 = MscIsa.Avx2,

    /// <summary>AVX-512 F, BW, VL and DQ.</summary>
    Avx512 = MscIsa.Avx512,
}
