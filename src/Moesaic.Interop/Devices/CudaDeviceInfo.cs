namespace Moesaic.Interop;

/// <summary>A device that the NVIDIA driver finds.</summary>
/// <param name="Ordinal">Its number, from 0.</param>
/// <param name="Name">The device's own name.</param>
/// <param name="ComputeCapability">What its processors can do, such as 9.0 of a Hopper.</param>
/// <param name="NumMultiprocessors">Processors.</param>
/// <param name="MemoryBytes">Memory of the device.</param>
/// <param name="Problem">Why it cannot be used; empty when it can.</param>
public sealed record CudaDeviceInfo(
    int Ordinal, string Name, Version ComputeCapability, int NumMultiprocessors, long MemoryBytes, string Problem);
