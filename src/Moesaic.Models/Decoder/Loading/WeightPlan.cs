using System.Collections.Immutable;
using Moesaic.Models.Checkpoints;

namespace Moesaic.Models.Decoder;

/// <summary>Weights and vectors of a model, each with the stored tensors that fill it.</summary>
public abstract class WeightPlan
{
    private protected WeightPlan(
        ICheckpoint checkpoint,
        ImmutableArray<PlannedMatrix> matrices,
        ImmutableDictionary<VectorSource, CheckpointTensor> vectors,
        ImmutableArray<IgnoredTensor> ignored)
    {
        Checkpoint = checkpoint;
        Matrices = matrices;
        Vectors = vectors;
        Ignored = ignored;
    }

    public ICheckpoint Checkpoint { get; }

    public ImmutableArray<PlannedMatrix> Matrices { get; }

    public ImmutableDictionary<VectorSource, CheckpointTensor> Vectors { get; }

    /// <summary>Tensors of the checkpoint that are not read, and why.</summary>
    public ImmutableArray<IgnoredTensor> Ignored { get; }

    /// <summary>The matrices of expert layers, shared experts with them.</summary>
    internal virtual ImmutableHashSet<MatrixSource> ExpertMatrices => [];

    /// <summary>Bytes read from the checkpoint.</summary>
    public long SourceBytes => Matrices.Sum(m => m.SourceBytes) + Vectors.Values.Distinct().Sum(t => t.ByteLength);
}
