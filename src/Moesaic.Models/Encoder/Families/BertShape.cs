using System.Collections.Immutable;
using Moesaic.Models.Decoder;

namespace Moesaic.Models.Encoder;

/// <summary>Sizes of a BERT, read from either kind of configuration, and the layers that they make.</summary>
internal sealed record BertShape
{
    public required int Hidden { get; init; }

    public required int Layers { get; init; }

    public required int Heads { get; init; }

    public required int Intermediate { get; init; }

    public required float Epsilon { get; init; }

    public required EncoderActivation Activation { get; init; }

    public LayerNormDescription Norm(string prefix, BertNames names) =>
        new(VectorSource.Whole(prefix + names.NormWeight, Hidden), VectorSource.Whole(prefix + names.NormBias, Hidden), Epsilon);

    public ImmutableArray<EncoderLayerDescription> Describe(BertNames names) => [.. Enumerable.Range(0, Layers).Select(i => Layer(names, names.Layer(i)))];

    private EncoderLayerDescription Layer(BertNames names, string prefix) => new()
    {
        Attention = new AttentionDescription
        {
            NumHeads = Heads,
            NumKeyValueHeads = Heads,
            KeyWidth = Hidden / Heads,
            ValueWidth = Hidden / Heads,
            Scale = (float)(1 / Math.Sqrt((double)Hidden / Heads)),
            Rope = -1,
            Input = names.FusedQueryKeyValue is { } fused
                ? [Map(prefix + fused, 3L * Hidden, Hidden)]
                : [Map(prefix + names.Query, Hidden, Hidden), Map(prefix + names.Key, Hidden, Hidden), Map(prefix + names.Value, Hidden, Hidden)],
            Output = Map(prefix + names.AttentionOutput, Hidden, Hidden),
        },
        AttentionNorm = Norm(prefix + names.AttentionNorm, names),
        Up = Map(prefix + names.Up, Intermediate, Hidden),
        Down = Map(prefix + names.Down, Hidden, Intermediate),
        Activation = Activation,
        OutputNorm = Norm(prefix + names.OutputNorm, names),
    };

    private static ProjectionDescription Map(string name, long rows, long cols) =>
        new(MatrixSource.Whole(name + ".weight", rows, cols), VectorSource.Whole(name + ".bias", rows));
}
