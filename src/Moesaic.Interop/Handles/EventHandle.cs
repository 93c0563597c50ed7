using Moesaic.Bindings;

namespace Moesaic.Interop;

internal sealed unsafe class EventHandle(DeviceHandle device) : DeviceChildHandle(device)
{
    protected override MscStatus DestroyChild() => NativeMethods.MscEventDestroy((MscEvent*)handle);
}
