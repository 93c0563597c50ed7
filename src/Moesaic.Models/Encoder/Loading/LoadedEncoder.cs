using Moesaic.Interop;
using Moesaic.Models.Decoder;

namespace Moesaic.Models.Encoder;

/// <summary>An encoder whose weights lie on a device, ready for any number of executors.</summary>
public sealed class LoadedEncoder : IDisposable
{
    private readonly LoadedWeights _weights;

    private LoadedEncoder(Device device, EncoderPlan plan, LoadedWeights weights)
    {
        Device = device;
        Description = plan.Description;
        _weights = weights;
    }

    public Device Device { get; }

    public EncoderDescription Description { get; }

    /// <summary>Bytes of all weights in memory.</summary>
    public long WeightBytes => _weights.Matrices.Values.Sum(w => w.Info.PackedBytes);

    /// <summary>Loads a planned encoder.</summary>
    /// <exception cref="ModelFormatException">A tensor cannot be used.</exception>
    /// <exception cref="NativeException">The device is out of memory.</exception>
    /// <exception cref="OperationCanceledException">The load was cancelled.</exception>
    public static LoadedEncoder Load(Device device, EncoderPlan plan, LoadOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(plan);
        return new LoadedEncoder(device, plan, DecoderLoader.LoadWeights(device, plan, [], options ?? new LoadOptions()));
    }

    /// <inheritdoc/>
    public void Dispose() => _weights.Dispose();

    internal Weight Weight(MatrixSource source) => _weights.Matrices[source];

    internal Tensor Vector(VectorSource? source) => _weights.Vectors[source];
}
