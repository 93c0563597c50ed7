using Moesaic.Interop;

namespace Moesaic.Models.Decoder;

/// <summary>
/// Chooses experts: p = score(W x + bias); the <see cref="TopK"/> largest p + selection bias within the kept groups;
/// weights p of the chosen, divided by (sum + <see cref="NormEpsilon"/>) if <see cref="Normalise"/>, times <see cref="Scale"/>.
/// </summary>
public sealed record RouterDescription
{
    /// <summary>[experts, hidden]; evaluated in float32.</summary>
    public required MatrixSource Weight { get; init; }

    /// <summary>Optional, part of the logits.</summary>
    public VectorSource? Bias { get; init; }

    /// <summary>Optional, for the choice alone.</summary>
    public VectorSource? SelectionBias { get; init; }

    public required RouterScore Score { get; init; }

    public RouterGroupRule GroupRule { get; init; }

    /// <summary>1: no groups.</summary>
    public int NumGroups { get; init; } = 1;

    public int KeptGroups { get; init; } = 1;

    public required int TopK { get; init; }

    public required bool Normalise { get; init; }

    public float NormEpsilon { get; init; }

    public float Scale { get; init; } = 1;

    /// <summary>How many choices of a sequence an expert takes; null: any number.</summary>
    public ExpertCapacity? Capacity { get; init; }
}
