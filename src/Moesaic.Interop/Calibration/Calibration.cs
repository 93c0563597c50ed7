using Moesaic.Bindings;

namespace Moesaic.Interop;

/// <summary>Measures the machine's limits: the denominators of every performance figure.</summary>
public static unsafe class Calibration
{
    /// <summary>Sequential read by all threads of the stream's device.</summary>
    /// <param name="stream">Its device is measured.</param>
    /// <param name="bufferBytes">At least four times the last-level cache is sensible.</param>
    /// <param name="seconds">Rough duration.</param>
    public static CalibrationResult ReadBandwidth(ComputeStream stream, long bufferBytes, double seconds)
    {
        ArgumentNullException.ThrowIfNull(stream);
        ArgumentOutOfRangeException.ThrowIfNegative(bufferBytes);
        MscCalibration result = MscCalibration.Create();
        NativeMethods.MscCalibrateReadBandwidth(stream.Native, (ulong)bufferBytes, seconds, &result).ThrowOnError();
        return ToResult(result);
    }

    /// <summary>Peak arithmetic in registers on all threads of the stream's device.</summary>
    /// <param name="stream">Its device is measured.</param>
    /// <param name="peak">Which arithmetic.</param>
    /// <param name="seconds">Rough duration.</param>
    /// <exception cref="NativeException">The device does not use such an instruction.</exception>
    public static CalibrationResult Peak(ComputeStream stream, ArithmeticPeak peak, double seconds)
    {
        ArgumentNullException.ThrowIfNull(stream);
        MscCalibration result = MscCalibration.Create();
        NativeMethods.MscCalibratePeak(stream.Native, (int)peak, seconds, &result).ThrowOnError();
        return ToResult(result);
    }

    private static CalibrationResult ToResult(in MscCalibration result) =>
        new((int)result.NumThreads, result.Median, result.Minimum, result.Maximum);
}
