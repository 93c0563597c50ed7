using System.Collections.Immutable;
using Moesaic.Interop;
using Moesaic.Models.Decoder;

namespace Moesaic.Engine.Benchmarking;

/// <summary>Everything that a measurement found, and on what.</summary>
public sealed record BenchmarkReport
{
    public required string Model { get; init; }

    /// <summary>Format of most weights, as run.</summary>
    public required TensorFormat WeightFormat { get; init; }

    public required KvFormat KvFormat { get; init; }

    public required Precision Precision { get; init; }

    public required CpuInfo Cpu { get; init; }

    public required DeviceInfo Device { get; init; }

    public required DateTimeOffset Date { get; init; }

    /// <summary>Bytes of the model's files.</summary>
    public required long StoredBytes { get; init; }

    /// <summary>Bytes of the weights in memory.</summary>
    public required long WeightBytes { get; init; }

    /// <summary>Bytes of caches and activations.</summary>
    public required long ExecutorBytes { get; init; }

    /// <summary>Peak of resident memory after loading and warming up, before the limits were measured; null where unknown.</summary>
    public required long? PeakResidentBytes { get; init; }

    public required TimeSpan LoadTime { get; init; }

    /// <summary>Read bandwidth over the whole run, bytes a second.</summary>
    public required Spread ReadBandwidth { get; init; }

    /// <summary>Which arithmetic bounds the prefill.</summary>
    public required ArithmeticPeak Peak { get; init; }

    /// <summary>That arithmetic over the whole run, operations a second.</summary>
    public required Spread PeakOperations { get; init; }

    public required int Repetitions { get; init; }

    /// <summary>See <see cref="BenchmarkOptions.RunsPerStep"/>.</summary>
    public required int RunsPerStep { get; init; }

    public required ImmutableArray<BenchmarkRow> Rows { get; init; }
}
