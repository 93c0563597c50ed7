namespace Moesaic.Interop.Tests;

internal sealed class CalibrationTests
{
    private const double Seconds = 0.02;

    [Test]
    public void Bandwidth_is_a_positive_rate()
    {
        using TestDevice device = new();
        AssertSensible(Calibration.ReadBandwidth(device.Stream, 8 << 20, Seconds));
    }

    [TestCase(ArithmeticPeak.Int8Dot)]
    [TestCase(ArithmeticPeak.F32Fma)]
    public void Arithmetic_is_a_positive_rate(ArithmeticPeak peak)
    {
        using TestDevice device = new();
        AssertSensible(Calibration.Peak(device.Stream, peak, Seconds));
    }

    [Test]
    public void Bf16_is_measured_where_it_is_used_and_refused_elsewhere()
    {
        using TestDevice device = new();
        if (device.Device.Info.Features.HasFlag(CpuFeatures.Avx512Bf16))
        {
            AssertSensible(Calibration.Peak(device.Stream, ArithmeticPeak.Bf16Dot, Seconds));
        }
        else
        {
            Assert.Throws<NativeException>(() => Calibration.Peak(device.Stream, ArithmeticPeak.Bf16Dot, Seconds));
        }
    }

    private static void AssertSensible(CalibrationResult result)
    {
        Assert.That(result.NumThreads, Is.EqualTo(2));
        Assert.That(result.Minimum, Is.GreaterThan(0).And.LessThanOrEqualTo(result.Median));
        Assert.That(result.Maximum, Is.GreaterThanOrEqualTo(result.Median));
    }
}
