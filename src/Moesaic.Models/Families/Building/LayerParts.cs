using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Moesaic.Models.Decoder;

namespace Moesaic.Models.Families;

/// <summary>Builds the parts that pre-norm decoders are made of from hyper-parameters and tensor names.</summary>
internal sealed class LayerParts(DecoderShape shape, TensorNames names, Func<string, bool> hasTensor)
{
    private readonly CompositeFormat _layerPrefix = CompositeFormat.Parse(names.LayerPrefix);

    public DecoderShape Shape { get; } = shape;

    public TensorNames Names { get; } = names;

    public string Prefix(int layer) => string.Format(CultureInfo.InvariantCulture, _layerPrefix, layer);

    public MatrixSource Embedding() => MatrixSource.Whole(Names.Embedding + ".weight", Shape.Vocabulary, Shape.Hidden);

    public NormDescription OutputNorm() => Shape.Norm(Names.OutputNorm + ".weight");

    public ProjectionDescription? OutputHead() =>
        Shape.TiedEmbedding ? null : new(MatrixSource.Whole(Names.OutputHead + ".weight", Shape.Vocabulary, Shape.Hidden));

    /// <summary>A norm over the hidden width at a layer's name.</summary>
    public NormDescription Norm(int layer, string name) => Shape.Norm(Prefix(layer) + name + ".weight");

    /// <summary>A norm over one head's width.</summary>
    public NormDescription HeadNorm(int layer, string name) =>
        new(VectorSource.Whole(Prefix(layer) + name + ".weight", Shape.HeadWidth), Shape.NormEpsilon);

    /// <summary>A linear map stored under one name.</summary>
    public ProjectionDescription Projection(int layer, string name, long rows, long cols, bool bias = false)
    {
        string tensor = Prefix(layer) + name;
        return new ProjectionDescription(
            MatrixSource.Whole(tensor + ".weight", rows, cols),
            bias ? VectorSource.Whole(tensor + ".bias", rows) : null);
    }

    /// <summary>Grouped-query attention whose keys and values have the same width, scaled by width^-0.5.</summary>
    /// <param name="layer">Index of the layer.</param>
    /// <param name="inputBias">Whether query, key and value have biases.</param>
    /// <param name="outputBias">Whether the output projection has one.</param>
    /// <param name="headNorms">Whether each query and key head is normalised before the rotation.</param>
    /// <param name="fused">Whether query, key and value are stored as one tensor.</param>
    /// <param name="window">Positions looked back on; 0: all.</param>
    public AttentionDescription Attention(int layer, bool inputBias = false, bool outputBias = false, bool headNorms = false, bool fused = false, int window = 0)
    {
        long queryRows = (long)Shape.Heads * Shape.HeadWidth;
        long keyRows = (long)Shape.KeyValueHeads * Shape.HeadWidth;
        ImmutableArray<ProjectionDescription> input = fused
            ? [Projection(layer, Names.FusedQueryKeyValue, queryRows + (2 * keyRows), Shape.Hidden, inputBias)]
            :
            [
                Projection(layer, Names.Query, queryRows, Shape.Hidden, inputBias),
                Projection(layer, Names.Key, keyRows, Shape.Hidden, inputBias),
                Projection(layer, Names.Value, keyRows, Shape.Hidden, inputBias),
            ];
        return new AttentionDescription
        {
            NumHeads = Shape.Heads,
            NumKeyValueHeads = Shape.KeyValueHeads,
            KeyWidth = Shape.HeadWidth,
            ValueWidth = Shape.HeadWidth,
            Scale = (float)(1 / Math.Sqrt(Shape.HeadWidth)),
            Window = window,
            Input = input,
            Output = Projection(layer, Names.AttentionOutput, Shape.Hidden, queryRows, outputBias),
            QueryNorm = headNorms ? HeadNorm(layer, Names.QueryNorm) : null,
            KeyNorm = headNorms ? HeadNorm(layer, Names.KeyNorm) : null,
        };
    }

    /// <summary>A dense gated MLP.</summary>
    public MlpDescription Mlp(int layer, bool bias = false) => Mlp(layer, Names.Gate, Names.Up, Names.Down, Shape.Intermediate, bias);

    /// <summary>A dense gated MLP whose gate and up are stored as one tensor [2 * width, hidden], gate rows first.</summary>
    public MlpDescription FusedMlp(int layer)
    {
        string tensor = Prefix(layer) + Names.FusedGateUp + ".weight";
        long width = Shape.Intermediate;
        return new MlpDescription
        {
            Activation = Shape.Activation,
            Gate = new ProjectionDescription(MatrixSource.RowsOf(tensor, 2 * width, Shape.Hidden, 0, width)),
            Up = new ProjectionDescription(MatrixSource.RowsOf(tensor, 2 * width, Shape.Hidden, width, width)),
            Down = Projection(layer, Names.Down, Shape.Hidden, width),
        };
    }

    /// <summary>A shared expert.</summary>
    public MlpDescription SharedExpert(int layer, int width) => Mlp(layer, Names.SharedGate, Names.SharedUp, Names.SharedDown, width, bias: false);

    /// <summary>A mixture of experts; its tensors may be one an expert, a stack each, or gate and up in one stack.</summary>
    public MoeDescription Moe(int layer, RouterDescription router, int numExperts, int width, MlpDescription? shared = null)
    {
        string prefix = Prefix(layer);
        MatrixSource gate, up, down;
        if (Names.StackedGateUp is { } fused && hasTensor(prefix + fused))
        {
            gate = MatrixSource.Stacked(prefix + fused, numExperts, 2L * width, Shape.Hidden, 0, 1, width);
            up = MatrixSource.Stacked(prefix + fused, numExperts, 2L * width, Shape.Hidden, width, 1, width);
            down = MatrixSource.Stacked(prefix + Names.StackedGateUpDown, numExperts, Shape.Hidden, width);
        }
        else
        {
            gate = Experts(prefix, Names.StackedGate, Names.ExpertGate, numExperts, width, Shape.Hidden);
            up = Experts(prefix, Names.StackedUp, Names.ExpertUp, numExperts, width, Shape.Hidden);
            down = Experts(prefix, Names.StackedDown, Names.ExpertDown, numExperts, Shape.Hidden, width);
        }

        return new MoeDescription { Activation = Shape.Activation, Router = router, Gate = gate, Up = up, Down = down, Shared = shared };
    }

    /// <summary>The router's matrix.</summary>
    public MatrixSource RouterWeight(int layer, int numExperts) =>
        MatrixSource.Whole(Prefix(layer) + Names.Router + ".weight", numExperts, Shape.Hidden);

    /// <summary>The bias that takes part in the choice of experts alone.</summary>
    public VectorSource SelectionBias(int layer, int numExperts) =>
        VectorSource.Whole(Prefix(layer) + Names.SelectionBias, numExperts);

    /// <summary>Multi-token-prediction layers that may be present and are not read: those counted, and those that more tensors show.</summary>
    public IEnumerable<IgnorableTensors> UnusedMtp(int counted)
    {
        int number = counted;
        while (hasTensor($"{Prefix(Shape.Layers + number)}{Names.MtpProjection}.weight"))
        {
            number++;
        }

        return Enumerable.Range(Shape.Layers, number)
            .Select(layer => new IgnorableTensors(Prefix(layer) + "*", "multi-token-prediction layer that the configuration does not use"));
    }

    private MlpDescription Mlp(int layer, string gate, string up, string down, int width, bool bias) => new()
    {
        Activation = Shape.Activation,
        Gate = Projection(layer, gate, width, Shape.Hidden, bias),
        Up = Projection(layer, up, width, Shape.Hidden, bias),
        Down = Projection(layer, down, Shape.Hidden, width, bias),
    };

    private MatrixSource Experts(string prefix, string? stacked, string? perExpert, int numExperts, long rows, long cols)
    {
        if (stacked is not null && (perExpert is null || hasTensor(prefix + stacked + ".weight")))
        {
            return MatrixSource.Stacked(prefix + stacked + ".weight", numExperts, rows, cols);
        }

        CompositeFormat one = CompositeFormat.Parse(prefix + (perExpert ?? throw new InvalidOperationException("The naming scheme names no experts.")) + ".weight");
        if (stacked is not null && !hasTensor(string.Format(CultureInfo.InvariantCulture, one, 0)))
        {
            // Neither form is there: let the error name the usual one.
            return MatrixSource.Stacked(prefix + stacked + ".weight", numExperts, rows, cols);
        }

        return MatrixSource.PerExpert(expert => string.Format(CultureInfo.InvariantCulture, one, expert), numExperts, rows, cols);
    }
}
