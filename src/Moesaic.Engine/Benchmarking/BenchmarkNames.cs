using Moesaic.Interop;

namespace Moesaic.Engine.Benchmarking;

/// <summary>Words for tables and JSON.</summary>
internal static class BenchmarkNames
{
    public static string Of(BenchmarkPhase phase) => phase == BenchmarkPhase.Prefill ? "prefill" : "decode";

    public static string Of(ArithmeticPeak peak) => peak switch
    {
        ArithmeticPeak.Int8Dot => "int8 dot peak",
        ArithmeticPeak.Bf16Dot => "bf16 dot peak",
        _ => "float32 FMA peak",
    };

    public static string Of(InstructionSet level) => level switch
    {
        InstructionSet.Portable => "portable",
        InstructionSet.Avx2 => "avx2",
        InstructionSet.Avx512 => "avx512",
        _ => "auto",
    };
}
