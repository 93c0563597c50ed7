using System.Collections.Immutable;
using System.Diagnostics;
using Moesaic.Interop;
using Moesaic.Models.Checkpoints;
using Moesaic.Models.Decoder;
using Moesaic.Models.Embedded;
using Moesaic.Models.Families;
using Moesaic.Models.Synthetic;

namespace Moesaic.Engine.Benchmarking;

/// <summary>A decoder loaded to be measured; no tokenizer is needed.</summary>
public sealed class BenchmarkModel : IDisposable
{
    private BenchmarkModel(string name, Device device, LoadPlan plan, LoadedDecoder decoder, long storedBytes, TimeSpan loadTime)
    {
        Name = name;
        Device = device;
        Decoder = decoder;
        StoredBytes = storedBytes;
        LoadTime = loadTime;
        WeightFormat = decoder.MainFormat;
    }

    public string Name { get; }

    public Device Device { get; }

    public LoadedDecoder Decoder { get; }

    /// <summary>Bytes of the model's files; of a synthetic model, the bytes that its weights would take there.</summary>
    public long StoredBytes { get; }

    /// <summary>From opening the files to the last weight packed.</summary>
    public TimeSpan LoadTime { get; }

    /// <summary>The format, as run, that most of the matrices' elements have.</summary>
    public TensorFormat WeightFormat { get; }

    /// <summary>Loads a model.</summary>
    /// <param name="path">A Hugging Face folder or a GGUF file; null: the embedded model.</param>
    /// <param name="device">How to open the device.</param>
    /// <param name="options">How to load.</param>
    /// <exception cref="Models.ModelFormatException">There is no usable model.</exception>
    /// <exception cref="NativeException">The device cannot be opened or is out of memory.</exception>
    public static BenchmarkModel Load(string? path, DeviceOptions device, LoadOptions? options = null)
    {
        long started = Stopwatch.GetTimestamp();
        using OpenedModel model = OpenedModel.Open(path ?? EmbeddedModel.Path);
        ModelRuntime.RefuseEncoderDecoder(model);
        return Load(model.Location.Name, model.Description, model.Checkpoint, fromFiles: true, device, options, started);
    }

    /// <summary>Loads a synthetic model.</summary>
    /// <inheritdoc cref="Load(string?, DeviceOptions, LoadOptions?)"/>
    public static BenchmarkModel Load(SyntheticModel model, DeviceOptions device, LoadOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        return Load(model.Name, model.Description, model.Checkpoint, fromFiles: false, device, options, Stopwatch.GetTimestamp());
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Decoder.Dispose();
        Device.Dispose();
    }

    private static BenchmarkModel Load(string name, DecoderDescription description, ICheckpoint checkpoint, bool fromFiles, DeviceOptions deviceOptions, LoadOptions? options, long started)
    {
        LoadPlan plan = LoadPlan.Create(description, checkpoint);
        Device device = Device.Open(deviceOptions);
        try
        {
            LoadedDecoder decoder = DecoderLoader.Load(device, plan, options);
            long stored = fromFiles ? checkpoint.Files.Sum(f => f.Length) : plan.SourceBytes;
            return new BenchmarkModel(name, device, plan, decoder, stored, Stopwatch.GetElapsedTime(started));
        }
        catch
        {
            device.Dispose();
            throw;
        }
    }
}
