using Moesaic.Interop;

namespace Moesaic.Models.Decoder;

/// <summary>The activations of a step, at their maximum size. T below is the most tokens of a step.</summary>
internal sealed class ExecutorBuffers : IDisposable
{
    private readonly List<DeviceBuffer> _owned = [];

    public ExecutorBuffers(LoadedDecoder decoder, ExecutorOptions options)
    {
        DecoderDescription description = decoder.Description;
        LayerDescription[] layers = [.. description.Encoder?.Layers ?? [], .. description.Layers, .. options.UseMtp ? description.MtpLayers.Select(m => m.Layer) : []];
        int tokens = options.MaxTokens;
        int hidden = description.HiddenSize;
        try
        {
            Residual = Create(decoder.Device, tokens, hidden);
            Projected = Create(decoder.Device, tokens, layers.Max(l => Math.Max(l.Attention.InputWidth, l.CrossAttention?.Attention.InputWidth ?? 0)));
            Attended = Create(decoder.Device, tokens, layers.Max(l => Math.Max(l.Attention.OutputWidth, l.CrossAttention?.Attention.OutputWidth ?? 0)));
            if (decoder.LatentForm != LatentForm.Expanded && layers.Any(l => l.Attention.Latent is not null))
            {
                Absorbed = Create(decoder.Device, tokens, layers.Max(l => (long)l.Attention.NumHeads * (l.Attention.Latent?.CachedWidth ?? 0)));
                AttendedLatents = Create(decoder.Device, tokens, layers.Max(l => (long)l.Attention.NumHeads * (l.Attention.Latent?.LatentWidth ?? 0)));
            }

            int mlpWidth = layers.Max(l => (l.FeedForward as MlpDescription)?.Width ?? 0);
            Gated = mlpWidth > 0 ? Create(decoder.Device, tokens, mlpWidth) : default;
            int topK = layers.Max(l => (l.FeedForward as MoeDescription)?.Router.TopK ?? 0);
            if (topK > 0)
            {
                Normed = Create(decoder.Device, tokens, hidden);
                ExpertWeights = Create(decoder.Device, tokens, topK);
            }

            Update = layers.Any(l => l.AttentionPostNorm is not null || l.FeedForwardPostNorm is not null) ? Create(decoder.Device, tokens, hidden) : default;
            RopeTables = [.. description.Ropes.Select(r => Create(decoder.Device, tokens, r.Dimensions))];
            LogitInput = Create(decoder.Device, options.MaxLogitRows, hidden);
            Logits = Create(decoder.Device, options.MaxLogitRows, description.VocabularySize);
            if (options.UseMtp)
            {
                FinalHidden = Create(decoder.Device, tokens, hidden);
                MtpInput = Create(decoder.Device, tokens, 2L * hidden);
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>[T, hidden]: the residual stream.</summary>
    public Tensor Residual { get; }

    /// <summary>[T, widest query + key + value].</summary>
    public Tensor Projected { get; }

    /// <summary>[T, widest attention output].</summary>
    public Tensor Attended { get; }

    /// <summary>[T, heads * cached width]: queries in the latent space; absent without the absorbed form.</summary>
    public Tensor Absorbed { get; }

    /// <summary>[T, heads * latent width]: what attention over latents returns; absent without the absorbed form.</summary>
    public Tensor AttendedLatents { get; }

    /// <summary>[T, widest dense MLP]; absent without one.</summary>
    public Tensor Gated { get; }

    /// <summary>[T, hidden]: input of router and experts; absent without experts.</summary>
    public Tensor Normed { get; }

    /// <summary>[T, most experts a token]; absent without experts.</summary>
    public Tensor ExpertWeights { get; }

    /// <summary>[T, hidden]: an output that is normed before it is added to the residual stream; absent without such norms.</summary>
    public Tensor Update { get; }

    /// <summary>[T, rotated channels] for each rope.</summary>
    public Tensor[] RopeTables { get; }

    /// <summary>[logit rows, hidden].</summary>
    public Tensor LogitInput { get; }

    /// <summary>[logit rows, vocabulary].</summary>
    public Tensor Logits { get; }

    /// <summary>[T, hidden]: hidden states after the final norm; absent unless multi-token prediction is used.</summary>
    public Tensor FinalHidden { get; }

    /// <summary>[T, 2 * hidden]; absent unless multi-token prediction is used.</summary>
    public Tensor MtpInput { get; }

    public long SizeBytes => _owned.Sum(b => b.SizeBytes);

    public void Dispose() => _owned.ForEach(static b => b.Dispose());

    private Tensor Create(Device device, long rows, long cols)
    {
        DeviceBuffer buffer = DeviceBuffer.Create(device, checked(rows * cols * sizeof(float)));
        _owned.Add(buffer);
        return Tensor.Dense(buffer, rows, cols);
    }
}
