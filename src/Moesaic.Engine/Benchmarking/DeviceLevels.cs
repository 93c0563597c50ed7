using System.Collections.Immutable;
using Moesaic.Interop;

namespace Moesaic.Engine.Benchmarking;

/// <summary>The instruction-set levels of a machine, each as the options that force it, with and without the features apart from them.</summary>
public static class DeviceLevels
{
    private const CpuFeatures Apart = CpuFeatures.AvxVnni | CpuFeatures.Avx512Vnni | CpuFeatures.Avx512Bf16;

    private static readonly ImmutableArray<(string Name, InstructionSet Level, CpuFeatures Used)> s_all =
    [
        ("portable", InstructionSet.Portable, CpuFeatures.None),
        ("avx2", InstructionSet.Avx2, CpuFeatures.None),
        ("avx2+vnni", InstructionSet.Avx2, CpuFeatures.AvxVnni),
        ("avx512", InstructionSet.Avx512, CpuFeatures.None),
        ("avx512+vnni", InstructionSet.Avx512, CpuFeatures.Avx512Vnni),
        ("avx512+vnni+bf16", InstructionSet.Avx512, CpuFeatures.Avx512Vnni | CpuFeatures.Avx512Bf16),
    ];

    /// <summary>All levels, lowest first.</summary>
    public static ImmutableArray<string> Names { get; } = [.. s_all.Select(l => l.Name)];

    /// <summary>Names and options of the levels that a processor has.</summary>
    public static ImmutableArray<(string Name, DeviceOptions Options)> Of(CpuInfo cpu)
    {
        ArgumentNullException.ThrowIfNull(cpu);
        return
        [
            .. s_all.Where(l => l.Level <= cpu.BestInstructionSet && (cpu.Features & l.Used) == l.Used)
                .Select(l => (l.Name, new DeviceOptions { InstructionSet = l.Level, DisabledFeatures = cpu.Features & Apart & ~l.Used })),
        ];
    }
}
