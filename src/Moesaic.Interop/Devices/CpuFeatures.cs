using Moesaic.Bindings;

namespace Moesaic.Interop;

/// <summary>CPU features that are detected one by one.</summary>
[Flags]
public enum CpuFeatures
{
    None = 0,
    Avx2 = MscCpuFeature.Avx2,
    Fma = MscCpuFeature.Fma,
    F16c = MscCpuFeature.F16c,
    Avx512 = MscCpuFeature.Avx512,
    AvxVnni = MscCpuFeature.AvxVnni,
    Avx512Vnni = MscCpuFeature.Avx512Vnni,
    Avx512Bf16 = MscCpuFeature.Avx512Bf16,
}
