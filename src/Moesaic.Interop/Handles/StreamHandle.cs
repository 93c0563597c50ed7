using Moesaic.Bindings;

namespace Moesaic.Interop;

internal sealed unsafe class StreamHandle(DeviceHandle device) : DeviceChildHandle(device)
{
    protected override MscStatus DestroyChild() => NativeMethods.MscStreamDestroy((MscStream*)handle);
}
