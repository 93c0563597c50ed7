using Moesaic.Interop;

namespace Moesaic.Models.Decoder;

/// <summary>Enqueues one decoder layer over the residual stream.</summary>
internal sealed class LayerRunner(ComputeStream stream, ExecutorBuffers buffers, ExpertChoices? choices, DecoderDescription decoder, LatentForm latentForm, Precision precision)
{
    private readonly LatentRunner _latent = new(stream, buffers, decoder, latentForm, precision);

    /// <summary>Sees the inputs of matrices; null but for calibration.</summary>
    public InputCollector? Inputs { get; set; }

    /// <summary>Of <see cref="DecoderDescription.PositionBiases"/>, by distance.</summary>
    public Tensor[] PositionBiases { get; init; } = [];

    /// <param name="batch">The step's tokens.</param>
    /// <param name="layer">The layer.</param>
    /// <param name="moeLayer">Its index among the layers with experts.</param>
    public void Run(Batch batch, PreparedLayer layer, int moeLayer)
    {
        int tokens = batch.NumTokens;
        Tensor residual = buffers.Residual.SliceRows(0, tokens);
        Attend(batch, layer, residual, tokens);
        if (layer.Cross is { } cross)
        {
            AttendCross(batch, cross, residual, tokens);
        }

        if (layer.Mlp is { } mlp)
        {
            FeedForward(layer, mlp, residual, tokens);
        }
        else
        {
            MixExperts(batch, layer, layer.Moe!, moeLayer, residual, tokens);
        }
    }

    private void Attend(Batch batch, PreparedLayer layer, in Tensor residual, int tokens)
    {
        Tensor attended = layer.Latent is { } latent ? _latent.Attend(batch, layer, latent, residual) : AttendHeads(batch, layer, residual, tokens);
        AddOutput(attended, layer.Output, layer.AttentionPostNorm, residual, tokens);
    }

    private Tensor AttendHeads(Batch batch, PreparedLayer layer, in Tensor residual, int tokens)
    {
        AttentionDescription attention = layer.Attention;
        long queryWidth = (long)attention.NumHeads * attention.KeyWidth;
        long keyWidth = (long)attention.NumKeyValueHeads * attention.KeyWidth;
        long valueWidth = (long)attention.NumKeyValueHeads * attention.ValueWidth;
        Tensor projected = buffers.Projected.SliceRows(0, tokens).SliceColumns(0, attention.InputWidth);
        Tensor query = projected.SliceColumns(0, queryWidth);
        Tensor key = projected.SliceColumns(queryWidth, keyWidth);
        Tensor value = projected.SliceColumns(queryWidth + keyWidth, valueWidth);
        PreparedProjection[] input = layer.Input;
        if (input.Length == 1)
        {
            Project(residual, layer.AttentionNorm, Epilogue.Store, [input[0].To(projected)]);
        }
        else
        {
            Project(residual, layer.AttentionNorm, Epilogue.Store, [input[0].To(query), input[1].To(key), input[2].To(value)]);
        }

        int rope = attention.Rope;
        stream.RopeAppend(batch, layer.Cache, new RopeAppendParams
        {
            Pairing = rope >= 0 ? decoder.Ropes[rope].Pairing : default,
            Layer = layer.CacheLayer,
            NumQueryHeads = attention.NumHeads,
            Query = query,
            Key = key,
            Value = value,
            QueryNorm = layer.QueryNorm,
            KeyNorm = layer.KeyNorm,
            RopeTable = rope >= 0 ? buffers.RopeTables[rope].SliceRows(0, tokens) : default,
            NormEpsilon = layer.HeadNormEpsilon,
        });
        Tensor attended = buffers.Attended.SliceRows(0, tokens).SliceColumns(0, attention.OutputWidth);
        stream.Attention(batch, layer.Cache, new AttentionParams
        {
            Precision = precision,
            Layer = layer.CacheLayer,
            NumQueryHeads = attention.NumHeads,
            Query = query,
            Output = attended,
            Scale = attention.Scale,
            Window = attention.Window,
            IsCausal = !attention.IsBidirectional,
            Sinks = layer.Sinks,
            Bias = attention.PositionBias >= 0 ? PositionBiases[attention.PositionBias] : default,
        });
        return attended;
    }

    /// <summary>Writes keys and values of an encoder's output, [tokens of the batch, hidden], for <see cref="Run"/> to attend to.</summary>
    public void WriteCross(Batch input, PreparedCross cross, in Tensor encoded)
    {
        AttentionDescription attention = cross.Attention;
        int tokens = input.NumTokens;
        long keyWidth = (long)attention.NumKeyValueHeads * attention.KeyWidth;
        Tensor key = buffers.Projected.SliceRows(0, tokens).SliceColumns(0, keyWidth);
        Tensor value = buffers.Projected.SliceRows(0, tokens).SliceColumns(keyWidth, (long)attention.NumKeyValueHeads * attention.ValueWidth);
        Project(encoded, default, Epilogue.Store, [cross.Key.To(key), cross.Value.To(value)]);

        // There are no queries yet; without rotation and norm the op leaves what stands in their place as it is.
        stream.RopeAppend(input, cross.Cache, new RopeAppendParams
        {
            Layer = cross.CacheLayer,
            NumQueryHeads = attention.NumKeyValueHeads,
            Query = key,
            Key = key,
            Value = value,
        });
    }

    private void AttendCross(Batch batch, PreparedCross cross, in Tensor residual, int tokens)
    {
        AttentionDescription attention = cross.Attention;
        Tensor query = buffers.Projected.SliceRows(0, tokens).SliceColumns(0, (long)attention.NumHeads * attention.KeyWidth);
        Project(residual, cross.Norm, Epilogue.Store, [cross.Query.To(query)]);
        Tensor attended = buffers.Attended.SliceRows(0, tokens).SliceColumns(0, attention.OutputWidth);
        stream.Attention(batch, cross.Cache, new AttentionParams
        {
            Precision = precision,
            Layer = cross.CacheLayer,
            NumQueryHeads = attention.NumHeads,
            Query = query,
            Output = attended,
            Scale = attention.Scale,
            IsCausal = false,
        });
        Project(attended, default, Epilogue.Add, [cross.Output.To(residual)]);
    }

    private void FeedForward(PreparedLayer layer, PreparedMlp mlp, in Tensor residual, int tokens)
    {
        Tensor gated = buffers.Gated.SliceRows(0, tokens).SliceColumns(0, mlp.Width);
        Inputs?.Add(mlp.Up.Weight, residual, layer.FeedForwardNorm);
        if (mlp.Gate is not { } gate)
        {
            Project(residual, layer.FeedForwardNorm, layer.Epilogue, [mlp.Up.To(gated)]);
            Project(gated, default, Epilogue.Add, [mlp.Down.To(residual)]);
            return;
        }

        Inputs?.Add(gate.Weight, residual, layer.FeedForwardNorm);
        stream.Linear(new LinearParams
        {
            Precision = precision,
            Epilogue = layer.Epilogue,
            GateAlpha = layer.GateAlpha,
            GateLimit = layer.GateLimit,
            Input = residual,
            NormWeight = layer.FeedForwardNorm.Weight,
            NormEpsilon = layer.FeedForwardNorm.Epsilon,
            Targets = [gate.To(gated), mlp.Up.To(default)],
        });
        AddOutput(gated, mlp.Down, layer.FeedForwardPostNorm, residual, tokens);
    }

    private void MixExperts(Batch batch, PreparedLayer layer, PreparedMoe moe, int moeLayer, in Tensor residual, int tokens)
    {
        Tensor normed = buffers.Normed.SliceRows(0, tokens);
        RouterDescription router = moe.Router;
        Tensor ids = choices!.Chosen(moeLayer, tokens);
        Tensor weights = buffers.ExpertWeights.SliceRows(0, tokens);
        stream.RmsNorm(residual, layer.FeedForwardNorm.Weight, normed, layer.FeedForwardNorm.Epsilon);
        stream.Router(new RouterParams
        {
            Score = router.Score,
            GroupRule = router.GroupRule,
            NumGroups = router.NumGroups,
            KeptGroups = router.KeptGroups,
            TopK = router.TopK,
            Normalise = router.Normalise,
            NormEpsilon = router.NormEpsilon,
            Scale = router.Scale,
            Input = normed,
            Weight = moe.RouterWeight,
            Bias = moe.RouterBias,
            SelectionBias = moe.SelectionBias,
            ForcedIds = choices.Forced(moeLayer, tokens),
            Ids = ids,
            Weights = weights,
            Overflow = router.Capacity?.Overflow ?? RouterOverflow.Unlimited,
            Queue = router.Capacity?.Queue ?? default,
            Capacity = router.Capacity?.PerExpert ?? 0,
            CapacityFactor = router.Capacity?.Factor ?? 0,
            Batch = batch,
            Cache = layer.Cache,
            CacheLayer = layer.CacheLayer,
        });
        if (moe.Gate is { } gates)
        {
            Inputs?.Add(gates, normed, default);
        }

        Inputs?.Add(moe.Up, normed, default);
        Tensor update = layer.FeedForwardPostNorm is null ? residual : buffers.Update.SliceRows(0, tokens);
        stream.Moe(new MoeParams
        {
            Precision = precision,
            Activation = layer.Epilogue,
            Accumulate = layer.FeedForwardPostNorm is null,
            Input = normed,
            Ids = ids,
            Weights = weights,
            Gate = moe.Gate,
            Up = moe.Up,
            Down = moe.Down,
            GateBias = moe.GateBias,
            UpBias = moe.UpBias,
            DownBias = moe.DownBias,
            GateAlpha = layer.GateAlpha,
            GateLimit = layer.GateLimit,
            SharedGate = moe.Shared?.Gate?.Weight,
            SharedUp = moe.Shared?.Up.Weight,
            SharedDown = moe.Shared?.Down.Weight,
            Output = update,
        });
        AddNormed(update, layer.FeedForwardPostNorm, residual);
    }

    /// <summary>Adds a projection to the residual stream, normed first where the layer says so.</summary>
    private void AddOutput(in Tensor input, in PreparedProjection output, in PreparedNorm? postNorm, in Tensor residual, int tokens)
    {
        Tensor update = postNorm is null ? residual : buffers.Update.SliceRows(0, tokens);
        Project(input, default, postNorm is null ? Epilogue.Add : Epilogue.Store, [output.To(update)]);
        AddNormed(update, postNorm, residual);
    }

    private void AddNormed(in Tensor update, in PreparedNorm? postNorm, in Tensor residual)
    {
        if (postNorm is { } norm)
        {
            stream.RmsNorm(update, norm.Weight, residual, norm.Epsilon, accumulate: true);
        }
    }

    private void Project(in Tensor input, in PreparedNorm norm, Epilogue epilogue, scoped ReadOnlySpan<LinearTarget> targets)
    {
        foreach (LinearTarget target in Inputs is null ? default : targets)
        {
            Inputs!.Add(target.Weight, input, norm);
        }

        stream.Linear(new LinearParams
        {
            Precision = precision,
            Epilogue = epilogue,
            Input = input,
            NormWeight = norm.Weight,
            NormEpsilon = norm.Epsilon,
            Targets = targets,
        });
    }
}
