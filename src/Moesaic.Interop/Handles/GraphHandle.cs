using Moesaic.Bindings;

namespace Moesaic.Interop;

internal sealed unsafe class GraphHandle(DeviceHandle device) : DeviceChildHandle(device)
{
    protected override MscStatus DestroyChild() => NativeMethods.MscGraphDestroy((MscGraph*)handle);
}
