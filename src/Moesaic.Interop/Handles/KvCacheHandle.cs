using Moesaic.Bindings;

namespace Moesaic.Interop;

internal sealed unsafe class KvCacheHandle(DeviceHandle device) : DeviceChildHandle(device)
{
    protected override MscStatus DestroyChild() => NativeMethods.MscKvCacheDestroy((MscKvCache*)handle);
}
