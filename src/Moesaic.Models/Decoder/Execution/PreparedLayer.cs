using Moesaic.Interop;

namespace Moesaic.Models.Decoder;

/// <summary>A layer with every weight and vector looked up, so that a step does not search.</summary>
internal sealed class PreparedLayer
{
    public PreparedLayer(LoadedDecoder decoder, LayerDescription layer, KvCache cache, int cacheLayer, KvCache? crossCache = null)
    {
        AttentionDescription attention = layer.Attention;
        Attention = attention;
        Cache = cache;
        CacheLayer = cacheLayer;
        AttentionNorm = new PreparedNorm(decoder, layer.AttentionNorm);
        Input = [.. attention.Input.Select(p => new PreparedProjection(decoder, p))];
        QueryNorm = decoder.Vector(attention.QueryNorm?.Weight);
        KeyNorm = decoder.Vector(attention.KeyNorm?.Weight);
        HeadNormEpsilon = (attention.QueryNorm ?? attention.KeyNorm)?.Epsilon ?? 0;
        Sinks = decoder.Vector(attention.Sinks);
        Latent = attention.Latent is { } latent ? new PreparedLatent(decoder, attention, latent) : null;
        Output = new PreparedProjection(decoder, attention.Output);
        AttentionPostNorm = layer.AttentionPostNorm is { } attentionPost ? new PreparedNorm(decoder, attentionPost) : null;
        Cross = layer.CrossAttention is { } cross
            ? new PreparedCross(decoder, cross, crossCache ?? throw new ArgumentNullException(nameof(crossCache)), cacheLayer)
            : null;
        FeedForwardNorm = new PreparedNorm(decoder, layer.FeedForwardNorm);
        FeedForwardPostNorm = layer.FeedForwardPostNorm is { } feedForwardPost ? new PreparedNorm(decoder, feedForwardPost) : null;
        Epilogue = EpilogueOf(layer.FeedForward.Activation);
        GateAlpha = layer.FeedForward.ActivationAlpha;
        GateLimit = layer.FeedForward.ActivationLimit;
        Mlp = layer.FeedForward is MlpDescription mlp ? new PreparedMlp(decoder, mlp) : null;
        Moe = layer.FeedForward is MoeDescription moe ? new PreparedMoe(decoder, moe) : null;
    }

    public AttentionDescription Attention { get; }

    public KvCache Cache { get; }

    /// <summary>Place of this layer in its cache.</summary>
    public int CacheLayer { get; }

    public PreparedNorm AttentionNorm { get; }

    /// <summary>Null unless attention is over latents.</summary>
    public PreparedLatent? Latent { get; }

    /// <summary>Query, key and value, or all in one; none with latents.</summary>
    public PreparedProjection[] Input { get; }

    public Tensor QueryNorm { get; }

    public Tensor KeyNorm { get; }

    public float HeadNormEpsilon { get; }

    public Tensor Sinks { get; }

    public PreparedProjection Output { get; }

    /// <summary>Null: the attention's output is added as it is.</summary>
    public PreparedNorm? AttentionPostNorm { get; }

    /// <summary>Attention over an encoder's output; null in a decoder alone.</summary>
    public PreparedCross? Cross { get; }

    public PreparedNorm FeedForwardNorm { get; }

    /// <summary>Null: the feed-forward's output is added as it is.</summary>
    public PreparedNorm? FeedForwardPostNorm { get; }

    public Epilogue Epilogue { get; }

    public float GateAlpha { get; }

    public float GateLimit { get; }

    /// <summary>Null in a layer with experts.</summary>
    public PreparedMlp? Mlp { get; }

    /// <summary>Null in a dense layer.</summary>
    public PreparedMoe? Moe { get; }

    private static Epilogue EpilogueOf(FeedForwardActivation activation) => activation switch
    {
        FeedForwardActivation.Silu => Epilogue.SwiGlu,
        FeedForwardActivation.GeluTanh => Epilogue.GeluTanhGlu,
        FeedForwardActivation.ClampedSilu => Epilogue.SwiGluClamped,
        FeedForwardActivation.Relu => Epilogue.Relu,
        _ => throw new ArgumentOutOfRangeException(nameof(activation), activation, "Unknown activation."),
    };
}

internal readonly struct PreparedNorm(LoadedDecoder decoder, NormDescription norm)
{
    public Tensor Weight { get; } = decoder.Vector(norm.Weight);

    public float Epsilon { get; } = norm.Epsilon;
}

internal readonly struct PreparedProjection(LoadedDecoder decoder, ProjectionDescription projection)
{
    public Weight Weight { get; } = decoder.Weight(projection.Weight);

    public Tensor Bias { get; } = decoder.Vector(projection.Bias);

    public LinearTarget To(in Tensor output) => new(Weight, output, Bias);
}

internal sealed class PreparedCross(LoadedDecoder decoder, CrossAttentionDescription cross, KvCache cache, int cacheLayer)
{
    public AttentionDescription Attention { get; } = cross.Attention;

    public PreparedNorm Norm { get; } = new(decoder, cross.Norm);

    public PreparedProjection Query { get; } = new(decoder, cross.Attention.Input[0]);

    public PreparedProjection Key { get; } = new(decoder, cross.Attention.Input[1]);

    public PreparedProjection Value { get; } = new(decoder, cross.Attention.Input[2]);

    public PreparedProjection Output { get; } = new(decoder, cross.Attention.Output);

    /// <summary>Keys and values of the encoder's output.</summary>
    public KvCache Cache { get; } = cache;

    public int CacheLayer { get; } = cacheLayer;
}

internal sealed class PreparedMlp(LoadedDecoder decoder, MlpDescription mlp)
{
    /// <summary>Null where the activation has no gate.</summary>
    public PreparedProjection? Gate { get; } = mlp.Gate is { } gate ? new PreparedProjection(decoder, gate) : null;

    public PreparedProjection Up { get; } = new(decoder, mlp.Up);

    public PreparedProjection Down { get; } = new(decoder, mlp.Down);

    public int Width { get; } = mlp.Width;
}

internal sealed class PreparedMoe(LoadedDecoder decoder, MoeDescription moe)
{
    public RouterDescription Router { get; } = moe.Router;

    public Weight RouterWeight { get; } = decoder.Weight(moe.Router.Weight);

    public Tensor RouterBias { get; } = decoder.Vector(moe.Router.Bias);

    public Tensor SelectionBias { get; } = decoder.Vector(moe.Router.SelectionBias);

    /// <summary>Null where the activation has no gate.</summary>
    public Weight? Gate { get; } = moe.Gate is { } gate ? decoder.Weight(gate) : null;

    public Weight Up { get; } = decoder.Weight(moe.Up);

    public Weight Down { get; } = decoder.Weight(moe.Down);

    public Tensor GateBias { get; } = decoder.Vector(moe.GateBias).SplitRows(moe.NumExperts);

    public Tensor UpBias { get; } = decoder.Vector(moe.UpBias).SplitRows(moe.NumExperts);

    public Tensor DownBias { get; } = decoder.Vector(moe.DownBias).SplitRows(moe.NumExperts);

    public PreparedMlp? Shared { get; } = moe.Shared is { } shared ? new PreparedMlp(decoder, shared) : null;
}
