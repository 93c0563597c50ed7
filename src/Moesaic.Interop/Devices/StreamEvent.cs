using Moesaic.Bindings;

namespace Moesaic.Interop;

/// <summary>A point in a stream's work that can be polled.</summary>
public sealed unsafe class StreamEvent : IDisposable
{
    private readonly EventHandle _handle;

    private StreamEvent(EventHandle handle) => _handle = handle;

    /// <summary>Whether all work before the recorded point is done; never waits.</summary>
    public bool IsDone
    {
        get
        {
            int done;
            NativeMethods.MscEventQuery(Native, &done).ThrowOnError();
            return done != 0;
        }
    }

    private MscEvent* Native => (MscEvent*)_handle.Use();

    /// <exception cref="NativeException">The device is out of a resource.</exception>
    public static StreamEvent Create(Device device)
    {
        ArgumentNullException.ThrowIfNull(device);
        EventHandle handle = new(device.Handle);
        MscEvent* native = null;
        handle.Own(NativeMethods.MscEventCreate(handle.Device, &native), native);
        return new StreamEvent(handle);
    }

    /// <summary>Marks the point that the stream has been filled to.</summary>
    public void Record(ComputeStream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        NativeMethods.MscEventRecord(Native, stream.Native).ThrowOnError();
    }

    public void Dispose() => _handle.Dispose();
}
