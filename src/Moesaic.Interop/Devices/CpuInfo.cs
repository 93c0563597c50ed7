using System.Text;
using Moesaic.Bindings;

namespace Moesaic.Interop;

/// <summary>The processor as this process may use it.</summary>
/// <param name="Name">The processor's own name.</param>
/// <param name="Features">Features that processor and operating system support.</param>
/// <param name="BestInstructionSet">Highest level usable here.</param>
/// <param name="UsableProcessors">Processors this process may use: affinity mask and cgroup quota honoured, at least 1.</param>
/// <param name="L1DataBytes">First-level data cache of one core; 0 when unknown.</param>
/// <param name="L2Bytes">Second-level cache of one core; 0 when unknown.</param>
/// <param name="L3Bytes">Last-level cache visible to one core; 0 when unknown.</param>
/// <param name="MemoryBytes">Memory of the machine.</param>
public sealed record CpuInfo(
    string Name, CpuFeatures Features, InstructionSet BestInstructionSet, int UsableProcessors,
    long L1DataBytes, long L2Bytes, long L3Bytes, long MemoryBytes)
{
    /// <summary>Detects the processor; needs no device. Thread-safe.</summary>
    /// <exception cref="NativeLibraryException">The native library cannot be loaded.</exception>
    public static unsafe CpuInfo Detect()
    {
        const int nameCapacity = 64;
        NativeLibraryLoader.EnsureReady();
        MscCpuInfo info = MscCpuInfo.Create();
        NativeMethods.MscCpuQuery(&info).ThrowOnError();
        ReadOnlySpan<byte> name = new(info.Name, nameCapacity);
        int end = name.IndexOf((byte)0);
        return new CpuInfo(
            Encoding.UTF8.GetString(end < 0 ? name : name[..end]).Trim(), (CpuFeatures)info.Features, (InstructionSet)info.BestIsa,
            (int)info.UsableProcessors, (long)info.L1dBytes, (long)info.L2Bytes, (long)info.L3Bytes, (long)info.MemoryBytes);
    }
}
