namespace Moesaic.Engine.Benchmarking;

/// <summary>Expected shares of the limits, 1 being the limit.</summary>
/// <param name="Decode">Of the read bandwidth.</param>
/// <param name="Prefill">Of the arithmetic peak.</param>
/// <param name="Measured">Whether a machine of this level has shown them; else they are wishes, and speed is reported without being gated.</param>
public sealed record BudgetExpectation(double Decode, double Prefill, bool Measured)
{
    /// <summary>The share expected of a phase.</summary>
    public double Of(BenchmarkPhase phase) => phase == BenchmarkPhase.Decode ? Decode : Prefill;
}
