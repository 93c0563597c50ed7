using System.Runtime.CompilerServices;
using Moesaic.Bindings;

namespace Moesaic.Interop;

public sealed unsafe partial class ComputeStream
{
    /// <summary>out[t] (+)= scale * table[row of t].</summary>
    /// <param name="batch">The step's tokens.</param>
    /// <param name="table">Dense weight [rows, cols].</param>
    /// <param name="output">[T, cols]</param>
    /// <param name="scale">Factor of every element.</param>
    /// <param name="index">Which row a token takes.</param>
    /// <param name="accumulate">Whether to add to what is there.</param>
    /// <exception cref="NativeException">Shapes disagree, or a row lies outside the table.</exception>
    public void Embedding(Batch batch, Weight table, in Tensor output, float scale = 1, EmbeddingIndex index = EmbeddingIndex.Token, bool accumulate = false)
    {
        MscEmbeddingParams native = MscEmbeddingParams.Create();
        native.Scale = scale;
        native.Index = (int)index;
        native.Accumulate = accumulate ? 1 : 0;
        native.Table = table.Native;
        native.Out = output.ToNative();
        NativeMethods.MscOpEmbedding(Native, batch.Native, &native).ThrowOnError();
    }

    /// <summary>output (+)= weight * input / sqrt(mean(input^2) + epsilon), row by row (RMSNorm, Zhang and Sennrich 2019).</summary>
    /// <param name="input">[rows, cols]</param>
    /// <param name="weight">[1, cols]</param>
    /// <param name="output">[rows, cols]; may be the input unless the result is added.</param>
    /// <param name="epsilon">Added to the mean square.</param>
    /// <param name="accumulate">Whether the result is added to the output.</param>
    public void RmsNorm(in Tensor input, in Tensor weight, in Tensor output, float epsilon, bool accumulate = false)
    {
        MscRmsNormParams native = MscRmsNormParams.Create();
        native.Eps = epsilon;
        native.Input = input.ToNative();
        native.Weight = weight.ToNative();
        native.Out = output.ToNative();
        native.Accumulate = accumulate ? 1 : 0;
        NativeMethods.MscOpRmsNorm(Native, &native).ThrowOnError();
    }

    /// <summary>output = weight * (input - mean) / sqrt(variance + epsilon) + bias, row by row (LayerNorm, Ba, Kiros and Hinton 2016).</summary>
    /// <param name="input">[rows, cols]</param>
    /// <param name="weight">[1, cols]</param>
    /// <param name="bias">Optional [1, cols].</param>
    /// <param name="output">[rows, cols]; may be the input.</param>
    /// <param name="epsilon">Added to the variance.</param>
    public void LayerNorm(in Tensor input, in Tensor weight, in Tensor bias, in Tensor output, float epsilon)
    {
        MscLayerNormParams native = MscLayerNormParams.Create();
        native.Eps = epsilon;
        native.Input = input.ToNative();
        native.Weight = weight.ToNative();
        native.Bias = bias.ToNative();
        native.Out = output.ToNative();
        NativeMethods.MscOpLayerNorm(Native, &native).ThrowOnError();
    }

    /// <summary>output[i] = input[row i of the batch's logit rows].</summary>
    /// <param name="batch">The step's tokens.</param>
    /// <param name="input">[T, cols]</param>
    /// <param name="output">[logit rows, cols]</param>
    public void GatherRows(Batch batch, in Tensor input, in Tensor output)
    {
        MscGatherRowsParams native = MscGatherRowsParams.Create();
        native.Input = input.ToNative();
        native.Out = output.ToNative();
        NativeMethods.MscOpGatherRows(Native, batch.Native, &native).ThrowOnError();
    }

    /// <summary>Linear layer: see <see cref="LinearParams"/>. Row m of every output depends on row m of the input alone.</summary>
    /// <exception cref="ArgumentException">There are no targets, or more than four.</exception>
    /// <exception cref="NativeException">Shapes disagree, or a format is not supported.</exception>
    public void Linear(in LinearParams parameters)
    {
        ReadOnlySpan<LinearTarget> targets = parameters.Targets;
        if (targets.Length is 0 or > NativeConstants.MscLinearMaxWeights)
        {
            ThrowNumTargets(targets.Length);
        }

        MscLinearParams native = MscLinearParams.Create();
        native.Precision = (int)parameters.Precision;
        native.Epilogue = (int)parameters.Epilogue;
        native.NumTargets = (uint)targets.Length;
        native.Input = parameters.Input.ToNative();
        native.NormWeight = parameters.NormWeight.ToNative();
        native.NormEps = parameters.NormEpsilon;
        native.GateAlpha = parameters.GateAlpha;
        native.GateLimit = parameters.GateLimit;
        for (int i = 0; i < targets.Length; i++)
        {
            ref readonly LinearTarget target = ref targets[i];
            ref MscLinearTarget to = ref native.Targets[i];
            to.Weight = target.Weight.Native;
            to.Bias = target.Bias.ToNative();
            to.Out = target.Out.ToNative();
        }

        NativeMethods.MscOpLinear(Native, &native).ThrowOnError();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ThrowNumTargets(int numTargets) => throw new ArgumentException(
        $"A linear layer takes 1 to {NativeConstants.MscLinearMaxWeights} weights, not {numTargets}.");
}
