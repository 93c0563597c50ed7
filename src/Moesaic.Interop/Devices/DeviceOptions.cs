namespace Moesaic.Interop;

/// <summary>How to open a device. The defaults take the best of this machine's CPU.</summary>
public sealed record DeviceOptions
{
    public Backend Backend { get; init; } = Backend.Cpu;

    /// <summary>Index among the devices of this backend; 0 for the CPU.</summary>
    public int Ordinal { get; init; }

    /// <summary>Highest level to use; a level that the machine lacks is refused.</summary>
    public InstructionSet InstructionSet { get; init; } = InstructionSet.Auto;

    /// <summary>Features to leave unused (VNNI or BF16 variants within a level).</summary>
    public CpuFeatures DisabledFeatures { get; init; }

    /// <summary>Worker threads including the calling one; 0 takes every usable processor.</summary>
    public int NumThreads { get; init; }

    /// <summary>Microseconds that a waiting worker spins before it parks; null takes the library's default.</summary>
    public int? SpinMicroseconds { get; init; }

    /// <summary>Pin workers to processors that no other device of this process has pinned.</summary>
    public bool PinThreads { get; init; }
}
