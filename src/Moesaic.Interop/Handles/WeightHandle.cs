using Moesaic.Bindings;

namespace Moesaic.Interop;

internal sealed unsafe class WeightHandle(DeviceHandle device) : DeviceChildHandle(device)
{
    protected override MscStatus DestroyChild() => NativeMethods.MscWeightDestroy((MscWeight*)handle);
}
