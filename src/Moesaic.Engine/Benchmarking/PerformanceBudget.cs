using System.Collections.Immutable;
using System.Text.Json;
using Moesaic.Models;

namespace Moesaic.Engine.Benchmarking;

/// <summary>A budget file: cases, and for each instruction-set level the shares of the machine's limits that are expected.</summary>
/// <param name="Tolerance">A row passes from expectation times this on.</param>
/// <param name="PromptLength">Tokens of the prompt.</param>
/// <param name="GeneratedTokens">Tokens decoded.</param>
/// <param name="Repetitions">Repetitions whose median counts.</param>
/// <param name="Retries">How often a case that misses its budget is measured again.</param>
/// <param name="Cases">What is measured.</param>
public sealed record PerformanceBudget(
    double Tolerance, int PromptLength, int GeneratedTokens, int Repetitions, int Retries, ImmutableArray<BudgetCase> Cases)
{
    /// <exception cref="ModelFormatException">The file cannot be read or a value is missing or impossible.</exception>
    public static PerformanceBudget Load(string path)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(path));
            JsonElement root = document.RootElement;
            PerformanceBudget budget = new(
                root.GetProperty("tolerance").GetDouble(),
                root.GetProperty("prompt").GetInt32(),
                root.GetProperty("generate").GetInt32(),
                root.GetProperty("repetitions").GetInt32(),
                root.GetProperty("retries").GetInt32(),
                [.. root.GetProperty("cases").EnumerateArray().Select(ReadCase)]);
            return budget.Tolerance is > 0 and <= 1 && budget.Retries is >= 0 and <= 10 && budget.Cases.Length > 0
                ? budget
                : throw new ModelFormatException(path, "budget", "expected a tolerance above 0 and at most 1, 0 to 10 retries and at least one case.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new ModelFormatException(path, "budget", $"it cannot be used: {e.Message}", e);
        }
    }

    private static BudgetCase ReadCase(JsonElement json) => new(
        json.GetProperty("name").GetString()!,
        json.TryGetProperty("model", out JsonElement model) ? model.GetString() : null,
        json.TryGetProperty("synthetic", out JsonElement shape) ? shape.GetString() : null,
        json.TryGetProperty("type", out JsonElement type) ? type.GetString() : null,
        json.TryGetProperty("max_gib", out JsonElement gib) ? gib.GetDouble() : 2,
        json.GetProperty("levels").EnumerateObject().ToImmutableDictionary(
            l => l.Name,
            l => new BudgetFloor(l.Value.GetProperty("decode").GetDouble(), l.Value.GetProperty("prefill").GetDouble())));
}
