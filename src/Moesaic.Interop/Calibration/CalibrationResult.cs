namespace Moesaic.Interop;

/// <summary>A limit of the machine, measured: bytes or operations per second (a multiply-add counts as two).</summary>
public sealed record CalibrationResult(int NumThreads, double Median, double Minimum, double Maximum);
