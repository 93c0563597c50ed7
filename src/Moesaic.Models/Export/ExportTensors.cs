using System.Globalization;
using System.Text;
using Moesaic.Interop;
using Moesaic.Models.Decoder;
using Moesaic.Models.Families;

namespace Moesaic.Models.Export;

/// <summary>Walks a description and names each of its parts as a GGUF file does.</summary>
internal sealed class ExportTensors
{
    private readonly DecoderDescription _decoder;
    private readonly GgufScheme _scheme;
    private readonly CompositeFormat _prefix;
    private readonly List<ExportTensor> _tensors = [];

    private ExportTensors(DecoderDescription decoder, GgufScheme scheme)
    {
        _decoder = decoder;
        _scheme = scheme;
        _prefix = CompositeFormat.Parse(scheme.Names.LayerPrefix);
    }

    /// <summary>Every tensor, in the order of the layers.</summary>
    public static IReadOnlyList<ExportTensor> Of(DecoderDescription decoder, GgufScheme scheme)
    {
        ExportTensors walk = new(decoder, scheme);
        walk.Add();
        return walk._tensors;
    }

    private TensorNames Names => _scheme.Names;

    private void Add()
    {
        Matrix(Names.Embedding + ".weight", _decoder.Embedding);
        for (int i = 0; i < _decoder.Layers.Length; i++)
        {
            Layer(i, _decoder.Layers[i]);
        }

        for (int i = 0; i < _decoder.MtpLayers.Length; i++)
        {
            int layer = _decoder.Layers.Length + i;
            MtpDescription mtp = _decoder.MtpLayers[i];
            Norm(Name(layer, Names.MtpEmbeddingNorm), mtp.EmbeddingNorm);
            Norm(Name(layer, Names.MtpHiddenNorm), mtp.HiddenNorm);
            Projection(Name(layer, Names.MtpProjection), mtp.Projection);
            Layer(layer, mtp.Layer);
            Norm(Name(layer, Names.MtpOutputNorm), mtp.OutputNorm);
        }

        Norm(Names.OutputNorm, _decoder.OutputNorm);
        Projection(Names.OutputHead, _decoder.OutputHead);
    }

    private void Layer(int index, LayerDescription layer)
    {
        AttentionDescription attention = layer.Attention;
        Norm(Name(index, Names.AttentionNorm), layer.AttentionNorm);
        if (attention.Input.Length == 1)
        {
            Projection(Name(index, Names.FusedQueryKeyValue), attention.Input[0]);
        }
        else
        {
            int head = _scheme.InterleavesQueryAndKey && attention.Rope >= 0 && _decoder.Ropes[attention.Rope].Pairing == RopePairing.HalfSplit ? attention.KeyWidth : 0;
            Projection(Name(index, Names.Query), attention.Input[0], head);
            Projection(Name(index, Names.Key), attention.Input[1], head);
            Projection(Name(index, Names.Value), attention.Input[2]);
        }

        Norm(Name(index, Names.QueryNorm), attention.QueryNorm);
        Norm(Name(index, Names.KeyNorm), attention.KeyNorm);
        Projection(Name(index, Names.AttentionOutput), attention.Output);
        Norm(Name(index, Names.FeedForwardNorm), layer.FeedForwardNorm);
        if (layer.FeedForward is MlpDescription mlp)
        {
            Mlp(index, mlp, Names.Gate, Names.Up, Names.Down);
        }
        else if (layer.FeedForward is MoeDescription moe)
        {
            Matrix(Name(index, Names.Router) + ".weight", moe.Router.Weight, exact: true);
            Vector(Name(index, Names.Router) + ".bias", moe.Router.Bias);
            Vector(Name(index, Names.SelectionBias), moe.Router.SelectionBias);
            if (moe.Gate is { } gate)
            {
                Matrix(Name(index, Names.StackedGate!) + ".weight", gate, isStack: true);
            }

            Matrix(Name(index, Names.StackedUp!) + ".weight", moe.Up, isStack: true);
            Matrix(Name(index, Names.StackedDown!) + ".weight", moe.Down, isStack: true);
            if (moe.Shared is { } shared)
            {
                Mlp(index, shared, Names.SharedGate, Names.SharedUp, Names.SharedDown);
            }
        }
    }

    private void Mlp(int layer, MlpDescription mlp, string gate, string up, string down)
    {
        Projection(Name(layer, gate), mlp.Gate);
        Projection(Name(layer, up), mlp.Up);
        Projection(Name(layer, down), mlp.Down);
    }

    private void Projection(string name, ProjectionDescription? projection, int interleavedHead = 0)
    {
        if (projection is not null)
        {
            Matrix(name + ".weight", projection.Weight, interleavedHead: interleavedHead);
            Vector(name + ".bias", projection.Bias, interleavedHead);
        }
    }

    private void Matrix(string name, MatrixSource matrix, bool isStack = false, int interleavedHead = 0, bool exact = false) => _tensors.Add(
        new ExportTensor(name, isStack ? [matrix.NumExperts, matrix.Rows, matrix.Cols] : [matrix.Rows, matrix.Cols])
        {
            Matrix = matrix,
            InterleavedHead = interleavedHead,
            IsExact = exact,
        });

    private void Norm(string name, NormDescription? norm) => Vector(name + ".weight", norm?.Weight);

    private void Vector(string name, VectorSource? vector, int interleavedHead = 0)
    {
        if (vector is not null)
        {
            _tensors.Add(new ExportTensor(name, [vector.Length]) { Vector = vector, InterleavedHead = interleavedHead, IsExact = true });
        }
    }

    private string Name(int layer, string part) => string.Format(CultureInfo.InvariantCulture, _prefix, layer) + part;
}
