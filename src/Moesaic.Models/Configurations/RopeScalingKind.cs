namespace Moesaic.Models.Configurations;

/// <summary>How rotary frequencies are stretched for contexts longer than the original one.</summary>
public enum RopeScalingKind
{
    None,

    /// <summary>All frequencies divided by the factor.</summary>
    Linear,

    /// <summary>Low frequencies divided, high ones kept, a linear blend between (Llama 3.1).</summary>
    Llama3,

    /// <summary>NTK by parts with an attention factor (arXiv:2309.00071).</summary>
    Yarn,

    /// <summary>A divisor per frequency, from one of two sets (Phi-3; arXiv:2402.13753).</summary>
    LongRope,
}
