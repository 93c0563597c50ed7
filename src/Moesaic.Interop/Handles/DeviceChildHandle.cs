using Moesaic.Bindings;

namespace Moesaic.Interop;

/// <summary>An object that belongs to a device and keeps it alive: the device goes when its last child has gone,
/// whatever the order of disposal.</summary>
/// <remarks>The finalizer frees nothing, as work in flight may still use the object; it only counts the leak
/// (<see cref="LibraryInfo.NumLeakedObjects"/>). So a call needs no <see cref="GC.KeepAlive"/> for its arguments.</remarks>
internal abstract unsafe class DeviceChildHandle : NativeHandle
{
    private readonly DeviceHandle _device;

    /// <exception cref="ObjectDisposedException">The device was disposed; it takes no new children.</exception>
    protected DeviceChildHandle(DeviceHandle device)
    {
        _ = device.Use();
        bool added = false;
        device.DangerousAddRef(ref added);
        _device = device;
    }

    /// <summary>The device, for the create entry; alive as long as this handle.</summary>
    public MscDevice* Device => (MscDevice*)_device.DangerousGetHandle();

    protected sealed override MscStatus Destroy()
    {
        MscStatus status = DestroyChild();
        _device.DangerousRelease();
        return status;
    }

    protected abstract MscStatus DestroyChild();

    protected sealed override void Abandon() => _device.DangerousRelease();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            base.Dispose(disposing);
        }
        else if (!IsInvalid)
        {
            LibraryInfo.CountLeakedObject();
        }
    }
}
