using Moesaic.Bindings;

namespace Moesaic.Interop;

internal sealed unsafe class BufferHandle(DeviceHandle device) : DeviceChildHandle(device)
{
    protected override MscStatus DestroyChild() => NativeMethods.MscBufferDestroy((MscBuffer*)handle);
}
