using System.Collections.Immutable;

namespace Moesaic.Engine.Benchmarking;

/// <summary>One case of a budget.</summary>
/// <param name="Name">For the table.</param>
/// <param name="Model">Path of a model, relative to the budget file; null for a synthetic one.</param>
/// <param name="Synthetic">Shape of a synthetic model.</param>
/// <param name="Type">Its weights' type.</param>
/// <param name="MaxGib">Its greatest size.</param>
/// <param name="Levels">Expectations by level; see <see cref="DeviceLevels.Names"/>.</param>
public sealed record BudgetCase(
    string Name, string? Model, string? Synthetic, string? Type, double MaxGib, ImmutableDictionary<string, BudgetExpectation> Levels);
