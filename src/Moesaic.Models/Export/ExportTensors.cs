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
    private readonly TensorList _tensors = new();

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
        return walk._tensors.All;
    }

    private TensorNames Names => _scheme.Names;

    private void Add()
    {
        _tensors.Matrix(Names.Embedding + ".weight", _decoder.Embedding);
        for (int i = 0; i < _decoder.Layers.Length; i++)
        {
            Layer(i, _decoder.Layers[i]);
        }

        for (int i = 0; i < _decoder.MtpLayers.Length; i++)
        {
            Mtp(_decoder.Layers.Length + i, _decoder.MtpLayers[i]);
        }

        Norm(Names.OutputNorm, _decoder.OutputNorm);
        _tensors.Projection(Names.OutputHead, _decoder.OutputHead);
    }

    private void Mtp(int layer, MtpDescription mtp)
    {
        Norm(Name(layer, Names.MtpEmbeddingNorm), mtp.EmbeddingNorm);
        Norm(Name(layer, Names.MtpHiddenNorm), mtp.HiddenNorm);
        _tensors.Projection(Name(layer, Names.MtpProjection), mtp.Projection);
        if (mtp.Embedding is { } embedding)
        {
            _tensors.Matrix(Name(layer, Names.MtpEmbedding) + ".weight", embedding);
        }

        Layer(layer, mtp.Layer);
        Norm(Name(layer, Names.MtpOutputNorm), mtp.OutputNorm);
        _tensors.Projection(Name(layer, Names.MtpOutputHead), mtp.OutputHead);
    }

    private void Layer(int index, LayerDescription layer)
    {
        AttentionDescription attention = layer.Attention;
        Norm(Name(index, Names.AttentionNorm), layer.AttentionNorm);
        if (attention.Latent is { } latent)
        {
            Latent(index, latent, InterleavesFor(attention));
        }
        else
        {
            Heads(index, attention);
        }

        _tensors.Vector(Name(index, Names.Sinks), attention.Sinks);
        _tensors.Projection(Name(index, Names.AttentionOutput), attention.Output);
        if (layer.AttentionPostNorm is { } attentionPost)
        {
            Norm(Name(index, Names.AttentionPostNorm!), attentionPost);
        }

        Norm(Name(index, Names.FeedForwardNorm), layer.FeedForwardNorm);
        if (layer.FeedForward is MlpDescription mlp)
        {
            Mlp(index, mlp, Names.Gate, Names.Up, Names.Down, Names.FusedGateUp);
        }
        else if (layer.FeedForward is MoeDescription moe)
        {
            Moe(index, moe);
        }

        if (layer.FeedForwardPostNorm is { } feedForwardPost)
        {
            Norm(Name(index, Names.FeedForwardPostNorm!), feedForwardPost);
        }
    }

    private void Heads(int index, AttentionDescription attention)
    {
        RowInterleave? rotated = InterleavesFor(attention) ? new RowInterleave(attention.KeyWidth, 0, _decoder.Ropes[attention.Rope].Dimensions) : null;
        if (attention.Input.Length == 1)
        {
            _tensors.Projection(Name(index, Names.FusedQueryKeyValue), attention.Input[0]);
        }
        else
        {
            _tensors.Projection(Name(index, Names.Query), attention.Input[0], rotated);
            _tensors.Projection(Name(index, Names.Key), attention.Input[1], rotated);
            _tensors.Projection(Name(index, Names.Value), attention.Input[2]);
        }

        Norm(Name(index, Names.QueryNorm), attention.QueryNorm, rotated);
        Norm(Name(index, Names.KeyNorm), attention.KeyNorm, rotated);
    }

    private void Latent(int index, LatentAttentionDescription latent, bool interleaves)
    {
        _tensors.Projection(Name(index, Names.QueryDown), latent.QueryDown);
        Norm(Name(index, Names.QueryDownNorm), latent.QueryNorm);
        _tensors.Projection(
            Name(index, latent.QueryDown is null ? Names.Query : Names.QueryUp),
            latent.Query,
            interleaves ? new RowInterleave(latent.QueryWidth, latent.PlainWidth, latent.RotatedWidth) : null);
        _tensors.Projection(
            Name(index, Names.LatentDown),
            latent.Down,
            interleaves ? new RowInterleave(latent.CachedWidth, latent.LatentWidth, latent.RotatedWidth) : null);
        Norm(Name(index, Names.LatentNorm), latent.LatentNorm);
        _tensors.Matrix(Name(index, Names.LatentKeyUp!) + ".weight", latent.AbsorbedKey, isStack: true);
        _tensors.Matrix(Name(index, Names.LatentValueUp!) + ".weight", latent.Value, isStack: true);
    }

    private bool InterleavesFor(AttentionDescription attention) => attention.Rope >= 0 && (_decoder.Ropes[attention.Rope].Pairing, _scheme.Pairing) switch
    {
        var (stored, written) when stored == written => false,
        (RopePairing.HalfSplit, RopePairing.Interleaved) => true,
        _ => throw new ModelFormatException(_decoder.Embedding.Name, "rope", $"its rotated channels pair up with their neighbours, those of GGUF files of {_scheme.Architecture} half a head apart; this is not converted."),
    };

    private void Moe(int index, MoeDescription moe)
    {
        _tensors.Matrix(Name(index, Names.Router) + ".weight", moe.Router.Weight, exact: true);
        _tensors.Vector(Name(index, Names.Router) + ".bias", moe.Router.Bias);
        _tensors.Vector(Name(index, Names.SelectionBias), moe.Router.SelectionBias);
        Stack(Name(index, Names.StackedGate!), moe.Gate, moe.GateBias);
        Stack(Name(index, Names.StackedUp!), moe.Up, moe.UpBias);
        Stack(Name(index, Names.StackedDown!), moe.Down, moe.DownBias);
        if (moe.Shared is { } shared)
        {
            Mlp(index, shared, Names.SharedGate, Names.SharedUp, Names.SharedDown, fused: null);
        }
    }

    private void Stack(string name, MatrixSource? matrix, VectorSource? bias)
    {
        if (matrix is not null)
        {
            _tensors.Matrix(name + ".weight", matrix, isStack: true);
            _tensors.Vector(name + ".bias", bias);
        }
    }

    private void Mlp(int layer, MlpDescription mlp, string gate, string up, string down, string? fused)
    {
        if (fused is not null && mlp.Gate is { Bias: null } gated && mlp.Up.Bias is null)
        {
            _tensors.Matrix(Name(layer, fused) + ".weight", MatrixSource.Joined(gated.Weight, mlp.Up.Weight));
        }
        else
        {
            _tensors.Projection(Name(layer, gate), mlp.Gate);
            _tensors.Projection(Name(layer, up), mlp.Up);
        }

        _tensors.Projection(Name(layer, down), mlp.Down);
    }

    private void Norm(string name, NormDescription? norm, RowInterleave? interleave = null) => _tensors.Vector(name + ".weight", norm?.Weight, interleave);

    private string Name(int layer, string part) => string.Format(CultureInfo.InvariantCulture, _prefix, layer) + part;
}
