using Moesaic.Bindings;

namespace Moesaic.Interop;

/// <summary>A device: a CPU with its worker threads, or a GPU.</summary>
/// <remarks>
/// <para>Ownership: whoever creates an object disposes of it. Streams, buffers, weights, caches and batches keep their
/// device alive, so the order of disposal does not matter. None of them is freed by the garbage collector.</para>
/// <para>Threads: creating objects on one device from several threads is allowed. Every other object belongs to one
/// thread at a time unless its type says otherwise, and must not be disposed of while a call or enqueued work uses it:
/// use a stream's <see cref="ComputeStream.Synchronize"/> first. Using an object after its disposal throws
/// <see cref="ObjectDisposedException"/>.</para>
/// </remarks>
public sealed unsafe class Device : IDisposable
{
    private Device(DeviceHandle handle, DeviceInfo info)
    {
        Handle = handle;
        Info = info;
    }

    /// <summary>What the options came to.</summary>
    public DeviceInfo Info { get; }

    internal DeviceHandle Handle { get; }

    internal MscDevice* Native => (MscDevice*)Handle.Use();

    /// <summary>Opens a device and starts its threads.</summary>
    /// <exception cref="NativeLibraryException">The native library cannot be loaded.</exception>
    /// <exception cref="NativeException">The machine has no such device or level, or lacks the memory or threads.</exception>
    public static Device Open(DeviceOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfNegative(options.NumThreads);
        ArgumentOutOfRangeException.ThrowIfNegative(options.SpinMicroseconds ?? 0);
        NativeLibraryLoader.EnsureReady();
        MscDeviceOptions native = MscDeviceOptions.Create();
        native.Backend = (int)options.Backend;
        native.Ordinal = options.Ordinal;
        native.Isa = (int)options.InstructionSet;
        native.DisabledFeatures = (uint)options.DisabledFeatures;
        native.NumThreads = (uint)options.NumThreads;
        native.SpinMicroseconds = options.SpinMicroseconds is int microseconds ? (uint)microseconds : uint.MaxValue;
        native.PinThreads = options.PinThreads ? 1u : 0u;
        DeviceHandle handle = new();
        MscDevice* device = null;
        handle.Own(NativeMethods.MscDeviceCreate(&native, &device), device);
        try
        {
            return new Device(handle, Query(device));
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>Gives the device up; it ends with the last object that belongs to it.</summary>
    public void Dispose() => Handle.Dispose();

    private static DeviceInfo Query(MscDevice* device)
    {
        MscDeviceInfo info = MscDeviceInfo.Create();
        NativeMethods.MscDeviceQuery(device, &info).ThrowOnError();
        return new DeviceInfo(
            (Backend)info.Backend, (InstructionSet)info.Isa, (CpuFeatures)info.Features,
            (int)info.NumThreads, (int)info.NumPinnedThreads, (int)info.RowGroup);
    }
}
