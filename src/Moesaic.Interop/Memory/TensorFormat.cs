using Moesaic.Bindings;

namespace Moesaic.Interop;

/// <summary>Element formats of tensors and weights, named as in the C headers. Values below 256 are the ggml type numbers
/// used in GGUF files; the others are formats that no GGUF file has.</summary>
public enum TensorFormat
{
    F32 = MscFormat.F32,
    F16 = MscFormat.F16,
    Q4_0 = MscFormat.Q4_0,
    Q4_1 = MscFormat.Q4_1,
    Q5_0 = MscFormat.Q5_0,
    Q5_1 = MscFormat.Q5_1,
    Q8_0 = MscFormat.Q8_0,
    Q2_K = MscFormat.Q2K,
    Q3_K = MscFormat.Q3K,
    Q4_K = MscFormat.Q4K,
    Q5_K = MscFormat.Q5K,
    Q6_K = MscFormat.Q6K,
    IQ2_XXS = MscFormat.Iq2Xxs,
    IQ2_XS = MscFormat.Iq2Xs,
    IQ3_XXS = MscFormat.Iq3Xxs,
    IQ1_S = MscFormat.Iq1S,
    IQ4_NL = MscFormat.Iq4Nl,
    IQ3_S = MscFormat.Iq3S,
    IQ2_S = MscFormat.Iq2S,
    IQ4_XS = MscFormat.Iq4Xs,
    I8 = MscFormat.I8,
    I16 = MscFormat.I16,
    I32 = MscFormat.I32,
    I64 = MscFormat.I64,
    F64 = MscFormat.F64,
    IQ1_M = MscFormat.Iq1M,
    BF16 = MscFormat.Bf16,
    TQ1_0 = MscFormat.Tq1_0,
    TQ2_0 = MscFormat.Tq2_0,
    MXFP4 = MscFormat.Mxfp4,
    NVFP4 = MscFormat.Nvfp4,
    U8 = MscFormat.U8,
    U32 = MscFormat.U32,
    F8_E4M3 = MscFormat.F8E4m3,
    U4 = MscFormat.U4,
}
