namespace Moesaic.Models.Configurations;

/// <summary>How a weight of a Hugging Face checkpoint is stored when it is quantised.</summary>
public enum QuantisationMethod
{
    /// <summary>E4M3 bytes <c>X.weight</c> with multipliers <c>X.weight_scale_inv</c> or <c>X.weight_scale</c>.</summary>
    Float8,

    /// <summary>Signed bytes <c>X.weight</c> with <c>X.weight_scale</c> and perhaps <c>X.weight_zero_point</c>.</summary>
    Int8,

    /// <summary>compressed-tensors: <c>X.weight_packed</c> along the columns, <c>X.weight_scale</c>, <c>X.weight_zero_point</c>, <c>X.weight_shape</c>, <c>X.weight_g_idx</c>.</summary>
    PackedInteger,

    /// <summary><c>X.qweight</c>, <c>X.qzeros</c>, <c>X.scales</c>, <c>X.g_idx</c>; column-major.</summary>
    Gptq,

    /// <summary><c>X.qweight</c>, <c>X.qzeros</c>, <c>X.scales</c>; column-major, outputs interleaved in a word.</summary>
    Awq,

    /// <summary><c>X_blocks</c> and <c>X_scales</c>.</summary>
    Mxfp4,

    /// <summary>E2M1 nibbles with E4M3 scales of 16 columns and a factor for all.</summary>
    Nvfp4,
}
