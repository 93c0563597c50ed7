using System.Collections.Immutable;

namespace Moesaic.Engine.Benchmarking;

/// <summary>One case of a budget.</summary>
/// <param name="Name">For the table.</param>
/// <param name="Model">Path of a model, relative to the budget file; null for a synthetic one.</param>
/// <param name="Synthetic">Shape of a synthetic model.</param>
/// <param name="Type">Its weights' type.</param>
/// <param name="MaxGib">Its greatest size.</param>
/// <param name="Levels">Expectations by level: portable, avx2, avx2+vnni, avx512, avx512+vnni, avx512+vnni+bf16.</param>
public sealed record BudgetCase(
    string Name, string? Model, string? Synthetic, string? Type, double MaxGib, ImmutableDictionary<string, BudgetFloor> Levels);

/// <summary>Expected shares of the limits: 1 is the limit.</summary>
public sealed record BudgetFloor(double Decode, double Prefill)
{
    public double Of(BenchmarkPhase phase) => phase == BenchmarkPhase.Decode ? Decode : Prefill;
}
