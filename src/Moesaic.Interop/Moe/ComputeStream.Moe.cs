using Moesaic.Bindings;

namespace Moesaic.Interop;

public sealed unsafe partial class ComputeStream
{
    /// <summary>See <see cref="RouterParams"/>.</summary>
    /// <exception cref="NativeException">Shapes or counts disagree.</exception>
    public void Router(in RouterParams parameters)
    {
        MscRouterParams native = MscRouterParams.Create();
        native.Score = (int)parameters.Score;
        native.GroupRule = (int)parameters.GroupRule;
        native.NumGroups = parameters.NumGroups;
        native.KeptGroups = parameters.KeptGroups;
        native.TopK = parameters.TopK;
        native.Normalise = parameters.Normalise ? 1 : 0;
        native.NormEps = parameters.NormEpsilon;
        native.Scale = parameters.Scale;
        native.Input = parameters.Input.ToNative();
        native.Weight = parameters.Weight.Native;
        native.Bias = parameters.Bias.ToNative();
        native.SelectionBias = parameters.SelectionBias.ToNative();
        native.ForcedIds = parameters.ForcedIds.ToNative();
        native.Ids = parameters.Ids.ToNative();
        native.Weights = parameters.Weights.ToNative();
        if (parameters.Overflow != RouterOverflow.Unlimited)
        {
            native.Overflow = (int)parameters.Overflow;
            native.Queue = (int)parameters.Queue;
            native.Capacity = parameters.Capacity;
            native.CapacityFactor = parameters.CapacityFactor;
            native.Batch = parameters.Batch is { } batch ? batch.Native : null;
            native.Cache = parameters.Cache is { } cache ? cache.Native : null;
            native.Layer = parameters.CacheLayer;
        }

        NativeMethods.MscOpRouter(Native, &native).ThrowOnError();
    }

    /// <summary>See <see cref="MoeParams"/>. Experts are added in ascending order, the shared expert last, so a
    /// row's result depends on that row alone.</summary>
    /// <exception cref="NativeException">Shapes disagree, a format is not supported, or an expert id is out of range.</exception>
    public void Moe(in MoeParams parameters)
    {
        MscMoeParams native = MscMoeParams.Create();
        native.Precision = (int)parameters.Precision;
        native.Activation = (int)parameters.Activation;
        native.Accumulate = parameters.Accumulate ? 1 : 0;
        native.Input = parameters.Input.ToNative();
        native.Ids = parameters.Ids.ToNative();
        native.Weights = parameters.Weights.ToNative();
        native.Gate = parameters.Gate is { } gates ? gates.Native : null;
        native.Up = parameters.Up.Native;
        native.Down = parameters.Down.Native;
        native.GateBias = parameters.GateBias.ToNative();
        native.UpBias = parameters.UpBias.ToNative();
        native.DownBias = parameters.DownBias.ToNative();
        native.GateAlpha = parameters.GateAlpha;
        native.GateLimit = parameters.GateLimit;
        native.SharedGate = parameters.SharedGate is { } gate ? gate.Native : null;
        native.SharedUp = parameters.SharedUp is { } up ? up.Native : null;
        native.SharedDown = parameters.SharedDown is { } down ? down.Native : null;
        native.Out = parameters.Output.ToNative();
        NativeMethods.MscOpMoe(Native, &native).ThrowOnError();
    }
}
