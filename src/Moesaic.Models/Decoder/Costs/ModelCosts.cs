using System.Collections.Immutable;

namespace Moesaic.Models.Decoder;

/// <summary>
/// Bytes that a step must touch and operations that a token needs, counted from the description: the denominators of every
/// figure of <c>bench</c>, and the sizes that <c>inspect</c> shows. Activations, which stay in the caches, are not counted.
/// </summary>
public sealed class ModelCosts
{
    private ModelCosts(ImmutableArray<LayerCosts> layers, LayerCosts head, long embeddingBytes, long embeddingRowBytes, long embeddingParameters)
    {
        Layers = layers;
        Head = head;
        EmbeddingBytes = embeddingBytes;
        EmbeddingRowBytes = embeddingRowBytes;
        Parameters = layers.Sum(l => l.Parameters) + head.Parameters + embeddingParameters;
        ActiveParameters = layers.Sum(l => l.ActiveParameters) + head.ActiveParameters;
    }

    /// <summary>Costs of each layer.</summary>
    public ImmutableArray<LayerCosts> Layers { get; }

    /// <summary>Final norm and output head.</summary>
    public LayerCosts Head { get; }

    /// <summary>Bytes of the embedding table; 0 when it is the output head (tied).</summary>
    public long EmbeddingBytes { get; }

    /// <summary>Bytes of one token's embedding.</summary>
    public long EmbeddingRowBytes { get; }

    /// <summary>All parameters, multi-token-prediction layers not counted.</summary>
    public long Parameters { get; }

    /// <summary>Parameters multiplied with for one token: without the embedding table and the experts not chosen.</summary>
    public long ActiveParameters { get; }

    /// <summary>Bytes of all weights.</summary>
    public long WeightBytes => Layers.Sum(l => l.DenseBytes + (l.NumExperts * l.ExpertBytes)) + Head.DenseBytes + EmbeddingBytes;

    /// <summary>Multiply-adds of all linear maps for one token whose logits are wanted.</summary>
    public long MultiplyAddsPerToken => Layers.Sum(l => l.MultiplyAdds) + Head.MultiplyAdds;

    /// <summary>Counts a model as its checkpoint stores it.</summary>
    public static ModelCosts Of(LoadPlan plan)
    {
        ArgumentNullException.ThrowIfNull(plan);
        Dictionary<MatrixSource, long> bytes = [];
        foreach (PlannedMatrix matrix in plan.Matrices)
        {
            bytes[matrix.Source] = matrix.SourceBytes / matrix.Source.NumExperts;
        }

        return Of(plan.Description, m => bytes[m], plan.LatentForm);
    }

    /// <summary>Counts a model.</summary>
    /// <param name="decoder">The model.</param>
    /// <param name="bytesPerExpert">Bytes of one matrix of a weight, as it lies in memory.</param>
    /// <param name="form">The form of latent attention.</param>
    public static ModelCosts Of(DecoderDescription decoder, Func<MatrixSource, long> bytesPerExpert, LatentForm form = LatentForm.Absorbed)
    {
        ArgumentNullException.ThrowIfNull(decoder);
        ArgumentNullException.ThrowIfNull(bytesPerExpert);
        MatrixSource headWeight = decoder.OutputHead?.Weight ?? decoder.Embedding;
        LayerCosts head = new Counter(bytesPerExpert).Add(headWeight).Add(decoder.OutputNorm.Weight).Add(decoder.OutputHead?.Bias).Done();
        long embeddingBytes = bytesPerExpert(decoder.Embedding);
        bool tied = decoder.OutputHead is null;
        return new ModelCosts(
            [.. (decoder.Encoder?.Layers ?? []).Concat(decoder.Layers).Select(l => Of(l, bytesPerExpert, form))],
            head,
            tied ? 0 : embeddingBytes,
            embeddingBytes / decoder.Embedding.Rows,
            tied ? 0 : decoder.Embedding.Count);
    }

    /// <summary>Bytes of the cache for <paramref name="numTokens"/> positions.</summary>
    public long CacheBytes(KvFormat format, long numTokens) =>
        Layers.Sum(l => checked(l.CacheBytesPerToken(format) * numTokens));

    /// <summary>
    /// Bytes that one decode step over <paramref name="batch"/> sequences, each <paramref name="contextLength"/> positions
    /// long with the new token, must touch: weights once, an embedding row a sequence, the visible cache read and one
    /// position written.
    /// </summary>
    public double DecodeBytes(KvFormat format, long contextLength, int batch = 1)
    {
        double bytes = Head.WeightBytesPerStep(batch) + ((double)EmbeddingRowBytes * batch);
        foreach (LayerCosts layer in Layers)
        {
            bytes += layer.WeightBytesPerStep(batch)
                + ((double)layer.CacheBytesPerToken(format) * (layer.VisiblePositions(contextLength) + 1) * batch);
        }

        return bytes;
    }

    /// <summary>
    /// Multiply-adds of a prefill of <paramref name="numTokens"/> positions from an empty context, with the logits of
    /// <paramref name="numLogitRows"/> of them.
    /// </summary>
    public double PrefillMultiplyAdds(long numTokens, long numLogitRows = 1)
    {
        double sum = (double)Head.MultiplyAdds * numLogitRows;
        foreach (LayerCosts layer in Layers)
        {
            sum += ((double)layer.MultiplyAdds * numTokens) + (layer.AttentionMultiplyAdds * VisiblePairs(layer, numTokens));
        }

        return sum;
    }

    // Pairs (query, visible key) of a causal pass: n (n + 1) / 2, less what lies before the window.
    private static double VisiblePairs(LayerCosts layer, long numTokens)
    {
        double all = (double)numTokens * (numTokens + 1) / 2;
        double hidden = layer.Window == 0 || numTokens <= layer.Window ? 0 : numTokens - layer.Window;
        return all - (hidden * (hidden + 1) / 2);
    }

    private static LayerCosts Of(LayerDescription layer, Func<MatrixSource, long> bytesPerExpert, LatentForm form)
    {
        AttentionDescription attention = layer.Attention;
        Counter counter = new Counter(bytesPerExpert)
            .Add(layer.AttentionNorm.Weight).Add(attention.QueryNorm?.Weight).Add(attention.KeyNorm?.Weight).Add(attention.Sinks)
            .Add(attention.Output).Add(layer.AttentionPostNorm?.Weight).Add(layer.FeedForwardNorm.Weight).Add(layer.FeedForwardPostNorm?.Weight);
        foreach (ProjectionDescription projection in attention.Input)
        {
            counter.Add(projection);
        }

        if (attention.Latent is { } latent)
        {
            counter.Add(latent, form);
        }

        if (layer.CrossAttention is { } cross)
        {
            counter.Add(cross.Norm.Weight).Add(cross.Attention.Output);
            foreach (ProjectionDescription projection in cross.Attention.Input)
            {
                counter.Add(projection);
            }
        }

        switch (layer.FeedForward)
        {
            case MlpDescription mlp:
                counter.Add(mlp);
                break;
            case MoeDescription moe:
                counter.Add(moe.Router.Weight).Add(moe.Router.Bias).Add(moe.Router.SelectionBias).AddExperts(moe);
                if (moe.Shared is { } shared)
                {
                    counter.Add(shared);
                }

                break;
        }

        return counter.Done() with
        {
            CachedHeads = attention.NumKeyValueHeads,
            CachedKeyChannels = (long)attention.NumKeyValueHeads * attention.KeyWidth,
            CachedValueChannels = attention.Latent is null ? (long)attention.NumKeyValueHeads * attention.ValueWidth : 0,
            AttentionMultiplyAdds = (long)attention.NumHeads * PairMultiplyAdds(attention, form),
            Window = attention.Window,
        };
    }

    // Of one head, a query and a visible position; what expanding a position takes is not counted.
    private static int PairMultiplyAdds(AttentionDescription attention, LatentForm form) => attention.Latent switch
    {
        null => attention.KeyWidth + attention.ValueWidth,
        { } latent when form == LatentForm.Expanded => latent.QueryWidth + attention.ValueWidth,
        { } latent => latent.CachedWidth + latent.LatentWidth,
    };

    private sealed class Counter(Func<MatrixSource, long> bytesPerExpert)
    {
        private LayerCosts _sum = new(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);

        public Counter Add(MatrixSource matrix)
        {
            _sum = _sum with
            {
                Parameters = _sum.Parameters + matrix.Count,
                ActiveParameters = _sum.ActiveParameters + matrix.Count,
                DenseBytes = _sum.DenseBytes + bytesPerExpert(matrix),
                MultiplyAdds = _sum.MultiplyAdds + matrix.Count,
            };
            return this;
        }

        public Counter Add(VectorSource? vector)
        {
            if (vector is not null)
            {
                _sum = _sum with
                {
                    Parameters = _sum.Parameters + vector.Length,
                    ActiveParameters = _sum.ActiveParameters + vector.Length,
                    DenseBytes = _sum.DenseBytes + (vector.Length * sizeof(float)),
                };
            }

            return this;
        }

        public Counter Add(ProjectionDescription projection) => Add(projection.Weight).Add(projection.Bias);

        public Counter Add(LatentAttentionDescription latent, LatentForm form)
        {
            if (latent.QueryDown is { } down)
            {
                Add(down);
            }

            Add(latent.QueryNorm?.Weight).Add(latent.Query).Add(latent.Down).Add(latent.LatentNorm.Weight).AddHeads(latent.Value);

            // The mixed form holds the key maps twice, but a step reads one of them.
            return AddHeads(latent.Keys(form).First());
        }

        private Counter AddHeads(MatrixSource matrix)
        {
            Add(matrix);
            _sum = _sum with { DenseBytes = _sum.DenseBytes + (bytesPerExpert(matrix) * (matrix.NumExperts - 1)) };
            return this;
        }

        public Counter Add(MlpDescription mlp) => (mlp.Gate is { } gate ? Add(gate) : this).Add(mlp.Up).Add(mlp.Down);

        public Counter AddExperts(MoeDescription moe)
        {
            long one = ((moe.Gate?.Count ?? 0) + moe.Up.Count + moe.Down.Count) / moe.NumExperts;
            long biases = ((moe.GateBias?.Length ?? 0) + (moe.UpBias?.Length ?? 0) + (moe.DownBias?.Length ?? 0)) / moe.NumExperts;
            _sum = _sum with
            {
                Parameters = _sum.Parameters + ((one + biases) * moe.NumExperts),
                ActiveParameters = _sum.ActiveParameters + ((one + biases) * moe.Router.TopK),
                ExpertBytes = (moe.Gate is { } gate ? bytesPerExpert(gate) : 0) + bytesPerExpert(moe.Up) + bytesPerExpert(moe.Down) + (biases * sizeof(float)),
                NumExperts = moe.NumExperts,
                TopK = moe.Router.TopK,
                MultiplyAdds = _sum.MultiplyAdds + (one * moe.Router.TopK),
            };
            return this;
        }

        public LayerCosts Done() => _sum;
    }
}
