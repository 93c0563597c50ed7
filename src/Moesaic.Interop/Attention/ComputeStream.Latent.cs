using Moesaic.Bindings;

namespace Moesaic.Interop;

public sealed unsafe partial class ComputeStream
{
    /// <summary>See <see cref="LatentAppendParams"/>.</summary>
    /// <exception cref="NativeException">Shapes disagree, the cache is none of latents, or a page number lies outside it.</exception>
    public void LatentAppend(Batch batch, KvCache cache, in LatentAppendParams parameters)
    {
        MscLatentAppendParams native = MscLatentAppendParams.Create();
        native.Pairing = (int)parameters.Pairing;
        native.Layer = parameters.Layer;
        native.NumQHeads = parameters.NumQueryHeads;
        native.Q = parameters.Query.ToNative();
        native.Rotated = parameters.Rotated.ToNative();
        native.Kv = parameters.Latent.ToNative();
        native.NormWeight = parameters.NormWeight.ToNative();
        native.RopeTable = parameters.RopeTable.ToNative();
        native.NormEps = parameters.NormEpsilon;
        NativeMethods.MscOpLatentAppend(Native, batch.Native, cache.Native, &native).ThrowOnError();
    }

    /// <summary>output[m, h] = W_h input[m, h]: a linear map a head. Row m of the output depends on row m of the input alone.</summary>
    /// <param name="weight">A matrix [rows, cols] a head.</param>
    /// <param name="input">[M, heads * w]: of each head's channels the first cols are read.</param>
    /// <param name="output">[M, heads * u]: of each head's channels the first rows are written; apart from the input.</param>
    /// <param name="precision">Arithmetic.</param>
    /// <exception cref="NativeException">Shapes disagree.</exception>
    public void HeadLinear(Weight weight, in Tensor input, in Tensor output, Precision precision)
    {
        MscHeadLinearParams native = MscHeadLinearParams.Create();
        native.Precision = (int)precision;
        native.Weight = weight.Native;
        native.Input = input.ToNative();
        native.Out = output.ToNative();
        NativeMethods.MscOpHeadLinear(Native, &native).ThrowOnError();
    }

    /// <summary>See <see cref="LatentExpandedParams"/>. The batch's own latents must have been appended.</summary>
    /// <exception cref="NativeException">Shapes disagree, or a page number lies outside the cache.</exception>
    public void LatentExpanded(Batch batch, KvCache cache, in LatentExpandedParams parameters)
    {
        MscLatentExpandedParams native = MscLatentExpandedParams.Create();
        native.Precision = (int)parameters.Precision;
        native.Layer = parameters.Layer;
        native.NumQHeads = parameters.NumQueryHeads;
        native.Q = parameters.Query.ToNative();
        native.Key = parameters.Key.Native;
        native.Value = parameters.Value.Native;
        native.Out = parameters.Output.ToNative();
        native.Scale = parameters.Scale;
        NativeMethods.MscOpLatentExpanded(Native, batch.Native, cache.Native, &native).ThrowOnError();
    }
}
