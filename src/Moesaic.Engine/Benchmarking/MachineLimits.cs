using Moesaic.Interop;

namespace Moesaic.Engine.Benchmarking;

/// <summary>What the machine can do at one moment.</summary>
/// <param name="BytesPerSecond">Sequential read of memory by all threads.</param>
/// <param name="OperationsPerSecond">The arithmetic that the weights are multiplied with, a multiply-add counted as two.</param>
internal readonly record struct LimitSample(double BytesPerSecond, double OperationsPerSecond);

/// <summary>Measures the limits that a model's figures are compared with, on the model's own device.</summary>
internal sealed class MachineLimits(ComputeStream stream, ArithmeticPeak peak)
{
    private const double Seconds = 0.06;
    private const int TimesCache = 4;

    // For processors that do not tell their last-level cache, or have a very small one.
    private const long LeastCacheBytes = 16 << 20;

    private readonly long _bufferBytes = TimesCache * Math.Max(CpuInfo.Detect().L3Bytes, LeastCacheBytes);
    private readonly List<LimitSample> _samples = [];

    public IReadOnlyList<LimitSample> Samples => _samples;

    /// <summary>The arithmetic that bounds a prefill with weights of a format.</summary>
    public static ArithmeticPeak PeakOf(TensorFormat weights, Precision precision, CpuFeatures features) => weights switch
    {
        _ when precision == Precision.Reference => ArithmeticPeak.F32Fma,
        TensorFormat.F32 => ArithmeticPeak.F32Fma,
        TensorFormat.F16 or TensorFormat.BF16 => features.HasFlag(CpuFeatures.Avx512Bf16) ? ArithmeticPeak.Bf16Dot : ArithmeticPeak.F32Fma,
        _ => ArithmeticPeak.Int8Dot,
    };

    public LimitSample Measure()
    {
        LimitSample sample = new(
            Calibration.ReadBandwidth(stream, _bufferBytes, Seconds).Median,
            Calibration.Peak(stream, peak, Seconds).Median);
        _samples.Add(sample);
        return sample;
    }
}
