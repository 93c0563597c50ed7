namespace Moesaic.Interop;

/// <summary>An open device, as it came out of its options.</summary>
/// <param name="Backend">Kind of hardware.</param>
/// <param name="InstructionSet">Level in use, never <see cref="Interop.InstructionSet.Auto"/> on a CPU.</param>
/// <param name="Features">Features in use.</param>
/// <param name="NumThreads">Worker threads including the calling one.</param>
/// <param name="NumPinnedThreads">Workers that got a processor of their own.</param>
/// <param name="RowGroup">Rows that packed weights interleave.</param>
public sealed record DeviceInfo(
    Backend Backend, InstructionSet InstructionSet, CpuFeatures Features, int NumThreads, int NumPinnedThreads, int RowGroup);
