namespace Moesaic.Interop;

/// <summary>output[t] (+)= sum over k of weights[t,k] * down(act(gate x) * up x) of expert ids[t,k], plus the shared
/// expert, unscaled.</summary>
public readonly ref struct MoeParams
{
    public MoeParams()
    {
    }

    public Precision Precision { get; init; }

    /// <summary>A gated epilogue: the experts' activation.</summary>
    public Epilogue Activation { get; init; } = Epilogue.SwiGlu;

    /// <summary>Add to the output instead of storing.</summary>
    public bool Accumulate { get; init; }

    /// <summary>[T, H]</summary>
    public required Tensor Input { get; init; }

    /// <summary>[T, K] int32</summary>
    public required Tensor Ids { get; init; }

    /// <summary>[T, K]</summary>
    public required Tensor Weights { get; init; }

    /// <summary>Stack of E experts [I, H].</summary>
    public required Weight Gate { get; init; }

    /// <summary>Stack of E experts [I, H].</summary>
    public required Weight Up { get; init; }

    /// <summary>Stack of E experts [H, I].</summary>
    public required Weight Down { get; init; }

    /// <summary>Shared expert of any width; null together with its two others where there is none.</summary>
    public Weight? SharedGate { get; init; }

    public Weight? SharedUp { get; init; }

    public Weight? SharedDown { get; init; }

    /// <summary>[T, H]</summary>
    public required Tensor Output { get; init; }
}
