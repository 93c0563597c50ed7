using Moesaic.Interop;

namespace Moesaic.Models.Decoder;

/// <summary>Enqueues the attention of a layer with latents; see <see cref="LatentAttentionDescription"/>.</summary>
internal sealed class LatentRunner(ComputeStream stream, ExecutorBuffers buffers, DecoderDescription decoder, LatentForm form, Precision precision)
{
    /// <returns>[T, heads * value width]: what the output projection takes.</returns>
    public Tensor Attend(Batch batch, PreparedLayer layer, PreparedLatent prepared, in Tensor residual)
    {
        int tokens = batch.NumTokens;
        AttentionDescription attention = layer.Attention;
        LatentAttentionDescription latent = prepared.Description;
        bool expanded = form == LatentForm.Expanded || (form == LatentForm.Mixed && tokens > prepared.BreakEvenTokens * batch.NumSequences);
        Tensor projected = buffers.Projected.SliceRows(0, tokens);
        long queryWidth = (long)attention.NumHeads * latent.QueryWidth;
        Tensor query = projected.SliceColumns(0, queryWidth);
        Tensor down = projected.SliceColumns(queryWidth, latent.CachedWidth);
        Project(layer, prepared, residual, query, down, projected.SliceColumns(queryWidth + latent.CachedWidth, latent.QueryRank));
        Tensor absorbed = expanded ? default : buffers.Absorbed.SliceRows(0, tokens).SliceColumns(0, (long)attention.NumHeads * latent.CachedWidth);
        stream.LatentAppend(batch, layer.Cache, new LatentAppendParams
        {
            Pairing = decoder.Ropes[attention.Rope].Pairing,
            Layer = layer.CacheLayer,
            NumQueryHeads = attention.NumHeads,
            Query = query,
            Rotated = expanded ? query : absorbed,
            Latent = down,
            NormWeight = prepared.LatentNorm.Weight,
            NormEpsilon = prepared.LatentNorm.Epsilon,
            RopeTable = buffers.RopeTables[attention.Rope].SliceRows(0, tokens),
        });
        Tensor attended = buffers.Attended.SliceRows(0, tokens).SliceColumns(0, attention.OutputWidth);
        if (expanded)
        {
            stream.LatentExpanded(batch, layer.Cache, new LatentExpandedParams
            {
                Precision = precision,
                Layer = layer.CacheLayer,
                NumQueryHeads = attention.NumHeads,
                Query = query,
                Key = prepared.ExpandedKey!,
                Value = prepared.Value,
                Output = attended,
                Scale = attention.Scale,
            });
            return attended;
        }

        Tensor latents = buffers.AttendedLatents.SliceRows(0, tokens).SliceColumns(0, (long)attention.NumHeads * latent.LatentWidth);
        stream.HeadLinear(prepared.AbsorbedKey!, query, absorbed, precision);
        stream.Attention(batch, layer.Cache, new AttentionParams
        {
            Precision = precision,
            Layer = layer.CacheLayer,
            NumQueryHeads = attention.NumHeads,
            Query = absorbed,
            Output = latents,
            Scale = attention.Scale,
        });
        stream.HeadLinear(prepared.Value, latents, attended, precision);
        return attended;
    }

    private void Project(PreparedLayer layer, PreparedLatent prepared, in Tensor residual, in Tensor query, in Tensor down, in Tensor rank)
    {
        if (prepared.QueryDown is not { } queryDown)
        {
            Project(residual, layer.AttentionNorm, [prepared.Query.To(query), prepared.Down.To(down)]);
            return;
        }

        Project(residual, layer.AttentionNorm, [queryDown.To(rank), prepared.Down.To(down)]);
        Project(rank, prepared.QueryNorm, [prepared.Query.To(query)]);
    }

    private void Project(in Tensor input, in PreparedNorm norm, scoped ReadOnlySpan<LinearTarget> targets) => stream.Linear(new LinearParams
    {
        Precision = precision,
        Input = input,
        NormWeight = norm.Weight,
        NormEpsilon = norm.Epsilon,
        Targets = targets,
    });
}
