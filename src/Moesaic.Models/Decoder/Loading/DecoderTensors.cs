namespace Moesaic.Models.Decoder;

/// <summary>Walks a description: every weight and vector that it needs, in the order of the forward pass.</summary>
internal static class DecoderTensors
{
    public static IEnumerable<MatrixSource> Matrices(DecoderDescription decoder, bool includeMtp, LatentForm form = LatentForm.Absorbed)
    {
        yield return decoder.Embedding;
        foreach (LayerDescription layer in Layers(decoder, includeMtp))
        {
            foreach (MatrixSource matrix in MatricesOf(layer, form))
            {
                yield return matrix;
            }
        }

        if (includeMtp)
        {
            foreach (MtpDescription mtp in decoder.MtpLayers)
            {
                yield return mtp.Projection.Weight;
                if (mtp.Embedding is { } embedding)
                {
                    yield return embedding;
                }

                if (mtp.OutputHead is { } mtpHead)
                {
                    yield return mtpHead.Weight;
                }
            }
        }

        if (decoder.OutputHead is { } head)
        {
            yield return head.Weight;
        }
    }

    public static IEnumerable<VectorSource> Vectors(DecoderDescription decoder, bool includeMtp)
    {
        foreach (LayerDescription layer in Layers(decoder, includeMtp))
        {
            foreach (VectorSource? vector in VectorsOf(layer))
            {
                if (vector is not null)
                {
                    yield return vector;
                }
            }
        }

        if (includeMtp)
        {
            foreach (MtpDescription mtp in decoder.MtpLayers)
            {
                yield return mtp.EmbeddingNorm.Weight;
                yield return mtp.HiddenNorm.Weight;
                yield return mtp.OutputNorm.Weight;
                if (mtp.Projection.Bias is { } bias)
                {
                    yield return bias;
                }

                if (mtp.OutputHead?.Bias is { } mtpHeadBias)
                {
                    yield return mtpHeadBias;
                }
            }
        }

        foreach (PositionBiasDescription bias in decoder.PositionBiases)
        {
            yield return bias.Table;
        }

        if (decoder.Encoder is { } encoder)
        {
            yield return encoder.OutputNorm.Weight;
        }

        yield return decoder.OutputNorm.Weight;
        if (decoder.OutputHead?.Bias is { } headBias)
        {
            yield return headBias;
        }
    }

    public static IEnumerable<MatrixSource> MatricesOf(LayerDescription layer, LatentForm form = LatentForm.Absorbed)
    {
        foreach (ProjectionDescription projection in layer.Attention.Input)
        {
            yield return projection.Weight;
        }

        if (layer.Attention.Latent is { } latent)
        {
            if (latent.QueryDown is { } down)
            {
                yield return down.Weight;
            }

            yield return latent.Down.Weight;
            yield return latent.Query.Weight;
            foreach (MatrixSource key in latent.Keys(form))
            {
                yield return key;
            }

            yield return latent.Value;
        }

        yield return layer.Attention.Output.Weight;
        if (layer.CrossAttention is { } cross)
        {
            foreach (ProjectionDescription projection in cross.Attention.Input)
            {
                yield return projection.Weight;
            }

            yield return cross.Attention.Output.Weight;
        }

        switch (layer.FeedForward)
        {
            case MlpDescription mlp:
                if (mlp.Gate is { } gate)
                {
                    yield return gate.Weight;
                }

                yield return mlp.Up.Weight;
                yield return mlp.Down.Weight;
                break;
            case MoeDescription moe:
                yield return moe.Router.Weight;
                foreach (MatrixSource matrix in MatricesOf(moe))
                {
                    yield return matrix;
                }

                break;
        }
    }

    /// <summary>The matrices that the expert op multiplies, of all layers.</summary>
    public static IEnumerable<MatrixSource> MatricesOfExperts(DecoderDescription decoder) =>
        Layers(decoder, includeMtp: true).Select(l => l.FeedForward).OfType<MoeDescription>().SelectMany(MatricesOf);

    private static IEnumerable<MatrixSource> MatricesOf(MoeDescription moe)
    {
        if (moe.Gate is { } gate)
        {
            yield return gate;
        }

        yield return moe.Up;
        yield return moe.Down;
        if (moe.Shared is { } shared)
        {
            if (shared.Gate is { } sharedGate)
            {
                yield return sharedGate.Weight;
            }

            yield return shared.Up.Weight;
            yield return shared.Down.Weight;
        }
    }

    private static IEnumerable<LayerDescription> Layers(DecoderDescription decoder, bool includeMtp) =>
        [.. decoder.Encoder?.Layers ?? [], .. decoder.Layers, .. includeMtp ? decoder.MtpLayers.Select(m => m.Layer) : []];

    private static IEnumerable<VectorSource?> VectorsOf(LayerDescription layer)
    {
        AttentionDescription attention = layer.Attention;
        yield return layer.AttentionNorm.Weight;
        foreach (ProjectionDescription projection in attention.Input)
        {
            yield return projection.Bias;
        }

        if (attention.Latent is { } latent)
        {
            yield return latent.QueryDown?.Bias;
            yield return latent.QueryNorm?.Weight;
            yield return latent.Query.Bias;
            yield return latent.Down.Bias;
            yield return latent.LatentNorm.Weight;
        }

        yield return attention.QueryNorm?.Weight;
        yield return attention.KeyNorm?.Weight;
        yield return attention.Sinks;
        yield return attention.Output.Bias;
        yield return layer.AttentionPostNorm?.Weight;
        if (layer.CrossAttention is { } cross)
        {
            yield return cross.Norm.Weight;
            foreach (ProjectionDescription projection in cross.Attention.Input)
            {
                yield return projection.Bias;
            }

            yield return cross.Attention.Output.Bias;
        }

        yield return layer.FeedForwardNorm.Weight;
        yield return layer.FeedForwardPostNorm?.Weight;
        switch (layer.FeedForward)
        {
            case MlpDescription mlp:
                yield return mlp.Gate?.Bias;
                yield return mlp.Up.Bias;
                yield return mlp.Down.Bias;
                break;
            case MoeDescription moe:
                yield return moe.Router.Bias;
                yield return moe.Router.SelectionBias;
                yield return moe.GateBias;
                yield return moe.UpBias;
                yield return moe.DownBias;
                break;
        }
    }
}
