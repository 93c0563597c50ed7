using System.Collections.Immutable;
using Moesaic.Models.Checkpoints;
using Moesaic.Models.Decoder;

namespace Moesaic.Models.Encoder;

/// <summary>An encoder's description matched with a checkpoint; nothing is read or allocated yet.</summary>
public sealed class EncoderPlan : WeightPlan
{
    private EncoderPlan(EncoderDescription description, ICheckpoint checkpoint, ImmutableArray<PlannedMatrix> matrices, ImmutableDictionary<VectorSource, CheckpointTensor> vectors, ImmutableArray<IgnoredTensor> ignored)
        : base(checkpoint, matrices, vectors, ignored) => Description = description;

    public EncoderDescription Description { get; }

    /// <summary>Matches a description with a checkpoint.</summary>
    /// <exception cref="ModelFormatException">A tensor is missing, left over, or has another shape or type than expected.</exception>
    public static EncoderPlan Create(EncoderDescription description, ICheckpoint checkpoint)
    {
        ArgumentNullException.ThrowIfNull(description);
        ArgumentNullException.ThrowIfNull(checkpoint);
        HashSet<string> used = new(StringComparer.Ordinal);
        QuantisedMatrices quantised = new(checkpoint, description.Quantisation);
        ImmutableArray<PlannedMatrix> matrices = [.. description.Matrices.Select(m => LoadPlan.Match(m, checkpoint, quantised, used))];
        ImmutableDictionary<VectorSource, CheckpointTensor>.Builder vectors = ImmutableDictionary.CreateBuilder<VectorSource, CheckpointTensor>();
        foreach (VectorSource source in description.Vectors)
        {
            vectors[source] = LoadPlan.Match(source, checkpoint, used);
        }

        return new EncoderPlan(
            description, checkpoint, matrices, vectors.ToImmutable(),
            LoadPlan.Rest(description.Family, description.Ignorable, description.Quantisation, checkpoint, used, []));
    }
}
