using Moesaic.Bindings;

namespace Moesaic.Interop;

/// <summary>What kind of hardware a device is.</summary>
public enum Backend
{
    Cpu = MscBackend.Cpu,
    Cuda = MscBackend.Cuda,
}
