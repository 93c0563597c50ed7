namespace Moesaic.Models.Decoder;

/// <summary>The second half of a layer: a dense MLP or a mixture of experts.</summary>
public abstract record FeedForwardDescription
{
    private protected FeedForwardDescription()
    {
    }

    public required FeedForwardActivation Activation { get; init; }

    /// <summary>alpha of <see cref="FeedForwardActivation.ClampedSilu"/>; 0 otherwise.</summary>
    public float ActivationAlpha { get; init; }

    /// <summary>limit of <see cref="FeedForwardActivation.ClampedSilu"/>; 0 otherwise.</summary>
    public float ActivationLimit { get; init; }
}

/// <summary>down(act(gate x) * up x), or without a gate down(act(up x)).</summary>
public sealed record MlpDescription : FeedForwardDescription
{
    /// <summary>Null where the activation has no gate.</summary>
    public required ProjectionDescription? Gate { get; init; }

    public required ProjectionDescription Up { get; init; }

    public required ProjectionDescription Down { get; init; }

    /// <summary>Rows of gate and up.</summary>
    public int Width => checked((int)Up.Weight.Rows);
}

/// <summary>The weighted sum of the chosen experts, and a shared expert that every token passes, unscaled.</summary>
public sealed record MoeDescription : FeedForwardDescription
{
    public required RouterDescription Router { get; init; }

    /// <summary>Null where the activation has no gate.</summary>
    public required MatrixSource? Gate { get; init; }

    public required MatrixSource Up { get; init; }

    public required MatrixSource Down { get; init; }

    /// <summary>Optional biases of the experts, one after the other: [experts * width].</summary>
    public VectorSource? GateBias { get; init; }

    /// <inheritdoc cref="GateBias"/>
    public VectorSource? UpBias { get; init; }

    /// <summary>Optional biases of the experts, one after the other: [experts * hidden].</summary>
    public VectorSource? DownBias { get; init; }

    /// <summary>Optional, without biases; several shared experts are one of their summed width.</summary>
    public MlpDescription? Shared { get; init; }

    public int NumExperts => checked((int)Up.NumExperts);

    /// <summary>Rows of one expert's gate and up.</summary>
    public int ExpertWidth => checked((int)Up.Rows);
}
