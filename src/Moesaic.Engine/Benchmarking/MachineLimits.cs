using Moesaic.Interop;

namespace Moesaic.Engine.Benchmarking;

/// <summary>Measures the limits that a model's figures are compared with, on the model's own device.</summary>
internal sealed class MachineLimits(ComputeStream stream, ArithmeticPeak peak)
{
    private const double Seconds = 0.04;
    private const int TimesCache = 4;

    // For processors that do not tell their last-level cache, or have a very small one.
    private const long LeastCacheBytes = 16 << 20;

    private readonly long _bufferBytes = TimesCache * Math.Max(CpuInfo.Detect().L3Bytes, LeastCacheBytes);
    private readonly List<double> _bytes = [];
    private readonly List<double> _operations = [];

    /// <summary>All that <see cref="MeasureBytes"/> found.</summary>
    public IReadOnlyList<double> BytesPerSecond => _bytes;

    /// <summary>All that <see cref="MeasureOperations"/> found.</summary>
    public IReadOnlyList<double> OperationsPerSecond => _operations;

    /// <summary>The arithmetic that bounds a prefill with weights of a format.</summary>
    public static ArithmeticPeak PeakOf(TensorFormat weights, Precision precision, CpuFeatures features) => weights switch
    {
        _ when precision == Precision.Reference => ArithmeticPeak.F32Fma,
        TensorFormat.F32 => ArithmeticPeak.F32Fma,
        TensorFormat.F16 or TensorFormat.BF16 => features.HasFlag(CpuFeatures.Avx512Bf16) ? ArithmeticPeak.Bf16Dot : ArithmeticPeak.F32Fma,
        _ => ArithmeticPeak.Int8Dot,
    };

    /// <summary>Sequential read of memory by all threads, bytes a second.</summary>
    public double MeasureBytes() => Kept(_bytes, Calibration.ReadBandwidth(stream, _bufferBytes, Seconds).Median);

    /// <summary>The arithmetic that the weights are multiplied with, operations a second, a multiply-add counted as two.</summary>
    public double MeasureOperations() => Kept(_operations, Calibration.Peak(stream, peak, Seconds).Median);

    private static double Kept(List<double> samples, double sample)
    {
        samples.Add(sample);
        return sample;
    }
}
