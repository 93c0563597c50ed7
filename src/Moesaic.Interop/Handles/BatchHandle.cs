using Moesaic.Bindings;

namespace Moesaic.Interop;

internal sealed unsafe class BatchHandle(DeviceHandle device) : DeviceChildHandle(device)
{
    protected override MscStatus DestroyChild() => NativeMethods.MscBatchDestroy((MscBatch*)handle);
}
