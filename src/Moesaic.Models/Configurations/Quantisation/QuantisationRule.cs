namespace Moesaic.Models.Configurations;

/// <summary>What holds for the modules that any pattern names; the first rule that names a module decides.</summary>
/// <param name="Targets">Patterns; empty: every module.</param>
/// <param name="Scheme">How they are quantised; null: not at all.</param>
internal sealed record QuantisationRule(IReadOnlyList<ModulePattern> Targets, QuantisationScheme? Scheme);
