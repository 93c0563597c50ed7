using System.Runtime.InteropServices;

namespace Moesaic.Interop.Tests;

/// <summary>A small CPU device with a stream, for one test.</summary>
internal sealed class TestDevice : IDisposable
{
    private readonly List<DeviceBuffer> _buffers = [];

    public TestDevice(InstructionSet instructionSet = InstructionSet.Auto, int numThreads = 2)
    {
        Device = Device.Open(new DeviceOptions { NumThreads = numThreads, InstructionSet = instructionSet });
        Stream = ComputeStream.Create(Device);
    }

    public Device Device { get; }

    public ComputeStream Stream { get; }

    /// <summary>A buffer that goes with this device at the latest.</summary>
    public DeviceBuffer Buffer(long sizeBytes)
    {
        DeviceBuffer buffer = DeviceBuffer.Create(Device, sizeBytes);
        _buffers.Add(buffer);
        return buffer;
    }

    /// <summary>A dense tensor with values, in a buffer of its own.</summary>
    public Tensor Tensor<T>(long rows, long cols, params ReadOnlySpan<T> values)
        where T : unmanaged
    {
        TensorFormat format = typeof(T) == typeof(int) ? TensorFormat.I32 : TensorFormat.F32;
        Tensor tensor = Interop.Tensor.Dense(Buffer(rows * cols * Interop.Tensor.SizeOf(format)), rows, cols, format);
        tensor.Buffer!.Upload(Stream, 0, values);
        return tensor;
    }

    /// <summary>An uninitialised (zero) dense tensor in a buffer of its own.</summary>
    public Tensor Empty(long rows, long cols, TensorFormat format = TensorFormat.F32) =>
        Interop.Tensor.Dense(Buffer(rows * cols * Interop.Tensor.SizeOf(format)), rows, cols, format);

    /// <summary>A sealed float32 weight of [rows, cols] or of a stack of such matrices.</summary>
    public Weight Weight(long rows, long cols, ReadOnlySpan<float> values, long numExperts = 1)
    {
        Weight weight = Interop.Weight.Create(
            Device, new WeightDescription { Format = TensorFormat.F32, Rows = rows, Cols = cols, NumExperts = numExperts });
        ReadOnlySpan<byte> bytes = MemoryMarshal.AsBytes(values);
        int expertBytes = bytes.Length / (int)numExperts;
        for (int expert = 0; expert < numExperts; expert++)
        {
            weight.Load(bytes.Slice(expert * expertBytes, expertBytes), 0, rows, expert);
        }

        weight.Seal();
        return weight;
    }

    /// <summary>One step with the given sequences; page numbers count up from 0.</summary>
    public Batch Batch(int pagesPerSequence, params ReadOnlySpan<int> tokensPerSequence)
    {
        Batch batch = Interop.Batch.Create(Device, new BatchLimits(64, 8, pagesPerSequence));
        List<int> positions = [];
        List<int> offsets = [0];
        foreach (int numTokens in tokensPerSequence)
        {
            positions.AddRange(Enumerable.Range(0, numTokens));
            offsets.Add(offsets[^1] + numTokens);
        }

        batch.Update(Stream, new BatchContent
        {
            TokenIds = [.. Enumerable.Range(0, positions.Count)],
            Positions = [.. positions],
            QueryOffsets = [.. offsets],
            LogitRows = [positions.Count - 1],
            PageTables = [.. Enumerable.Range(0, pagesPerSequence * tokensPerSequence.Length)],
            PagesStride = pagesPerSequence,
        });
        return batch;
    }

    /// <summary>All values of a dense tensor.</summary>
    public T[] Read<T>(in Tensor tensor)
        where T : unmanaged
    {
        T[] values = new T[tensor.Rows * tensor.Cols];
        tensor.Buffer!.Download<T>(Stream, tensor.OffsetBytes, values);
        return values;
    }

    public void Dispose()
    {
        _buffers.ForEach(buffer => buffer.Dispose());
        Stream.Dispose();
        Device.Dispose();
    }
}
