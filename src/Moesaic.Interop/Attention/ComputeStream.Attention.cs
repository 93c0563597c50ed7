using Moesaic.Bindings;

namespace Moesaic.Interop;

public sealed unsafe partial class ComputeStream
{
    /// <summary>Cosines and sines of a batch: table[t, i] = factor * cos(position[t] * inverseFrequency[i]) for i below
    /// d/2, then the sines (RoFormer, Su et al. 2021).</summary>
    /// <param name="batch">The step's tokens.</param>
    /// <param name="inverseFrequency">[1, d/2]</param>
    /// <param name="table">[T, d]</param>
    /// <param name="factor">Factor of every entry.</param>
    public void RopeTable(Batch batch, in Tensor inverseFrequency, in Tensor table, float factor = 1)
    {
        MscRopeTableParams native = MscRopeTableParams.Create();
        native.Factor = factor;
        native.InvFreq = inverseFrequency.ToNative();
        native.Table = table.ToNative();
        NativeMethods.MscOpRopeTable(Native, batch.Native, &native).ThrowOnError();
    }

    /// <summary>See <see cref="RopeAppendParams"/>.</summary>
    /// <exception cref="NativeException">Shapes disagree, or a page number lies outside the cache.</exception>
    public void RopeAppend(Batch batch, KvCache cache, in RopeAppendParams parameters)
    {
        MscRopeAppendParams native = MscRopeAppendParams.Create();
        native.Pairing = (int)parameters.Pairing;
        native.Layer = parameters.Layer;
        native.NumQHeads = parameters.NumQueryHeads;
        native.Q = parameters.Query.ToNative();
        native.K = parameters.Key.ToNative();
        native.V = parameters.Value.ToNative();
        native.QNorm = parameters.QueryNorm.ToNative();
        native.KNorm = parameters.KeyNorm.ToNative();
        native.RopeTable = parameters.RopeTable.ToNative();
        native.NormEps = parameters.NormEpsilon;
        NativeMethods.MscOpRopeAppend(Native, batch.Native, cache.Native, &native).ThrowOnError();
    }

    /// <summary>See <see cref="AttentionParams"/>. The batch's own keys and values must have been appended.</summary>
    /// <exception cref="NativeException">Shapes disagree, or a page number lies outside the cache.</exception>
    public void Attention(Batch batch, KvCache cache, in AttentionParams parameters)
    {
        MscAttentionParams native = MscAttentionParams.Create();
        native.Precision = (int)parameters.Precision;
        native.Layer = parameters.Layer;
        native.NumQHeads = parameters.NumQueryHeads;
        native.Q = parameters.Query.ToNative();
        native.Out = parameters.Output.ToNative();
        native.Scale = parameters.Scale;
        native.Softcap = parameters.SoftCap;
        native.Window = parameters.Window;
        native.Causal = parameters.IsCausal ? 1 : 0;
        native.Sinks = parameters.Sinks.ToNative();
        native.Bias = parameters.Bias.ToNative();
        NativeMethods.MscOpAttention(Native, batch.Native, cache.Native, &native).ThrowOnError();
    }
}
