namespace Moesaic.Interop;

/// <summary>y_i = W_i norm(input) + b_i for up to four weights that share one input.</summary>
public readonly ref struct LinearParams
{
    public Precision Precision { get; init; }

    public Epilogue Epilogue { get; init; }

    /// <summary>[M, K]</summary>
    public required Tensor Input { get; init; }

    /// <summary>Optional [1, K]: RMSNorm of the input rows first.</summary>
    public Tensor NormWeight { get; init; }

    public float NormEpsilon { get; init; }

    /// <summary>alpha of <see cref="Epilogue.SwiGluClamped"/>; 0 with every other epilogue.</summary>
    public float GateAlpha { get; init; }

    /// <summary>limit of <see cref="Epilogue.SwiGluClamped"/>; 0 with every other epilogue.</summary>
    public float GateLimit { get; init; }

    /// <summary>One to four weights.</summary>
    public required ReadOnlySpan<LinearTarget> Targets { get; init; }
}
