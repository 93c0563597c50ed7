using Moesaic.Bindings;

namespace Moesaic.Interop;

/// <summary>A device. Its children hold references, so that it is destroyed after the last of them.</summary>
internal sealed unsafe class DeviceHandle : NativeHandle
{
    protected override MscStatus Destroy() => NativeMethods.MscDeviceDestroy((MscDevice*)handle);
}
