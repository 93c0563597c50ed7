namespace Moesaic.Interop;

/// <summary>output[t] (+)= sum over k of weights[t,k] * (down(act(gate x + gate bias) * (up x + up bias)) + down bias) of
/// expert ids[t,k], plus the shared expert, unscaled and without biases.</summary>
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

    /// <summary>Stack of E experts [I, H]; null with an activation without a gate: down(act(up x)).</summary>
    public Weight? Gate { get; init; }

    /// <summary>Stack of E experts [I, H].</summary>
    public required Weight Up { get; init; }

    /// <summary>Stack of E experts [H, I].</summary>
    public required Weight Down { get; init; }

    /// <summary>Optional [E, I].</summary>
    public Tensor GateBias { get; init; }

    /// <summary>Optional [E, I].</summary>
    public Tensor UpBias { get; init; }

    /// <summary>Optional [E, H].</summary>
    public Tensor DownBias { get; init; }

    /// <summary>alpha of <see cref="Epilogue.SwiGluClamped"/>; 0 with every other activation.</summary>
    public float GateAlpha { get; init; }

    /// <summary>limit of <see cref="Epilogue.SwiGluClamped"/>; 0 with every other activation.</summary>
    public float GateLimit { get; init; }

    /// <summary>Shared expert of any width; null together with its two others where there is none.</summary>
    public Weight? SharedGate { get; init; }

    public Weight? SharedUp { get; init; }

    public Weight? SharedDown { get; init; }

    /// <summary>[T, H]</summary>
    public required Tensor Output { get; init; }
}
