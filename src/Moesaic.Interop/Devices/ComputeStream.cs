using Moesaic.Bindings;

namespace Moesaic.Interop;

/// <summary>An in-order queue of work on a device. The calls named after ops enqueue that op; results are valid after
/// <see cref="Synchronize"/> or a completed <see cref="StreamEvent"/>.</summary>
/// <remarks>One thread at a time. Objects named in a call must outlive the work: dispose of them only after
/// <see cref="Synchronize"/>. No call allocates managed memory unless it fails.</remarks>
public sealed unsafe partial class ComputeStream : IDisposable
{
    private readonly StreamHandle _handle;

    private ComputeStream(Device device, StreamHandle handle)
    {
        Device = device;
        _handle = handle;
    }

    /// <summary>The device that this stream works on.</summary>
    public Device Device { get; }

    internal MscStream* Native => (MscStream*)_handle.Use();

    /// <exception cref="NativeException">The device is out of a resource.</exception>
    public static ComputeStream Create(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        StreamHandle handle = new(device.Handle);
        MscStream* native = null;
        handle.Own(NativeMethods.MscStreamCreate(handle.Device, &native), native);
        return new ComputeStream(device, handle);
    }

    /// <summary>Waits until all work enqueued so far is done.</summary>
    /// <exception cref="NativeException">The first error of that work.</exception>
    public void Synchronize() => NativeMethods.MscStreamSynchronize(Native).ThrowOnError();

    public void Dispose() => _handle.Dispose();
}
