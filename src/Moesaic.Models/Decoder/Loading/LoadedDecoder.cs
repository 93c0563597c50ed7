using System.Collections.Immutable;
using Moesaic.Interop;

namespace Moesaic.Models.Decoder;

/// <summary>A decoder whose weights lie on a device, ready for any number of executors.</summary>
public sealed class LoadedDecoder : IDisposable
{
    private readonly Dictionary<MatrixSource, Weight> _weights;
    private readonly VectorStore _vectors;

    internal LoadedDecoder(Device device, LoadPlan plan, Dictionary<MatrixSource, Weight> weights, VectorStore vectors, ImmutableArray<ExpandedWeights> expanded)
    {
        Device = device;
        Description = plan.Description;
        IncludesMtp = plan.IncludesMtp;
        LatentForm = plan.LatentForm;
        _weights = weights;
        _vectors = vectors;
        Expanded = expanded;
        Costs = ModelCosts.Of(Description, m => _weights[m].Info.PackedBytesPerExpert, LatentForm);
    }

    public Device Device { get; }

    public DecoderDescription Description { get; }

    /// <summary>Whether the multi-token-prediction layers were loaded.</summary>
    public bool IncludesMtp { get; }

    /// <summary>The form in which latent attention runs.</summary>
    public LatentForm LatentForm { get; }

    /// <summary>Weights that were expanded to float32 because the device does not run their format.</summary>
    public ImmutableArray<ExpandedWeights> Expanded { get; }

    /// <summary>Bytes and operations, counted on the weights as they lie in memory.</summary>
    public ModelCosts Costs { get; }

    /// <summary>The format in memory that most parameters have.</summary>
    public TensorFormat MainFormat => _weights.GroupBy(w => w.Value.Info.Format).MaxBy(g => g.Sum(w => w.Key.Count))!.Key;

    /// <summary>Bytes of all weights in memory.</summary>
    public long WeightBytes => _weights.Values.Sum(w => w.Info.PackedBytes);

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Weight weight in _weights.Values)
        {
            weight.Dispose();
        }

        _vectors.Dispose();
    }

    internal Weight Weight(MatrixSource source) => _weights[source];

    /// <summary>The name of a weight's first stored tensor; null for one of another model.</summary>
    internal string? NameOf(Weight weight) => _weights.FirstOrDefault(w => ReferenceEquals(w.Value, weight)).Key?.Name;

    internal Tensor Vector(VectorSource? source) => _vectors[source];

    internal Tensor RopeFrequencies(int rope, bool original) => _vectors.RopeFrequencies(rope, original);
}
