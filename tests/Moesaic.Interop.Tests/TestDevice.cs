namespace Moesaic.Interop.Tests;

/// <summary>A small CPU device with a stream, for one test.</summary>
internal sealed class TestDevice : IDisposable
{
    public TestDevice(InstructionSet instructionSet = InstructionSet.Auto, int numThreads = 2)
    {
        Device = Device.Open(new DeviceOptions { NumThreads = numThreads, InstructionSet = instructionSet });
        Stream = ComputeStream.Create(Device);
    }

    public Device Device { get; }

    public ComputeStream Stream { get; }

    public DeviceBuffer Buffer(long sizeBytes) => DeviceBuffer.Create(Device, sizeBytes);

    /// <summary>A dense tensor with values, in a buffer of its own.</summary>
    public Tensor Tensor<T>(long rows, long cols, params ReadOnlySpan<T> values)
        where T : unmanaged
    {
        TensorFormat format = typeof(T) == typeof(int) ? TensorFormat.I32 : TensorFormat.F32;
        Tensor tensor = Interop.Tensor.Dense(Buffer(rows * cols * Interop.Tensor.SizeOf(format)), rows, cols, format);
        tensor.Buffer!.Upload(Stream, 0, values);
        return tensor;
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
        Stream.Dispose();
        Device.Dispose();
    }
}
