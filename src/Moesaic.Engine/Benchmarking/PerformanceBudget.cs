using System.Collections.Immutable;
using System.Text.Json;
using Moesaic.Models;

namespace Moesaic.Engine.Benchmarking;

/// <summary>A budget file: cases, and for each instruction-set level the shares of the machine's limits that are expected.</summary>
/// <param name="About">What the file says about itself.</param>
/// <param name="Tolerance">A row passes from expectation times this on.</param>
/// <param name="PromptLength">Tokens of the prompt.</param>
/// <param name="GeneratedTokens">Tokens decoded.</param>
/// <param name="Repetitions">Repetitions whose median counts.</param>
/// <param name="Retries">How often a case that misses its budget is measured again.</param>
/// <param name="Cases">What is measured.</param>
public sealed record PerformanceBudget(
    string About, double Tolerance, int PromptLength, int GeneratedTokens, int Repetitions, int Retries, ImmutableArray<BudgetCase> Cases)
{
    /// <summary>Name of the processor that the expectations were measured on; null where they hold for any.</summary>
    public string? Processor { get; init; }

    /// <summary>
    /// Tolerance on other processors, whose balance of cores and memory makes shares differ without a kernel being slower.
    /// </summary>
    public double OtherProcessorTolerance { get; init; } = Tolerance;

    /// <summary>The budget as it judges a machine.</summary>
    /// <param name="processor">Name of its processor.</param>
    public PerformanceBudget For(string processor) =>
        Processor is null || Processor == processor ? this : this with { Tolerance = OtherProcessorTolerance };

    /// <exception cref="ModelFormatException">The file cannot be read or a value is missing or impossible.</exception>
    public static PerformanceBudget Load(string path)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(path));
            return Read(document.RootElement).Checked(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException or KeyNotFoundException or InvalidOperationException or FormatException or ArgumentException)
        {
            throw new ModelFormatException(path, "budget", $"it cannot be used: {e.Message}", e);
        }
    }

    private static PerformanceBudget Read(JsonElement root) => new(
        root.TryGetProperty("about", out JsonElement about) ? about.GetString() ?? "" : "",
        root.GetProperty("tolerance").GetDouble(),
        root.GetProperty("prompt").GetInt32(),
        root.GetProperty("generate").GetInt32(),
        root.GetProperty("repetitions").GetInt32(),
        root.GetProperty("retries").GetInt32(),
        [.. root.GetProperty("cases").EnumerateArray().Select(ReadCase)])
    {
        Processor = root.TryGetProperty("processor", out JsonElement processor) ? processor.GetString() : null,
        OtherProcessorTolerance = root.TryGetProperty("other_processor_tolerance", out JsonElement other) ? other.GetDouble() : root.GetProperty("tolerance").GetDouble(),
    };

    private static BudgetCase ReadCase(JsonElement json) => new(
        json.GetProperty("name").GetString() ?? "",
        json.TryGetProperty("model", out JsonElement model) ? model.GetString() : null,
        json.TryGetProperty("synthetic", out JsonElement shape) ? shape.GetString() : null,
        json.TryGetProperty("type", out JsonElement type) ? type.GetString() : null,
        json.TryGetProperty("max_gib", out JsonElement gib) ? gib.GetDouble() : 2,
        json.GetProperty("levels").EnumerateObject().ToImmutableDictionary(
            l => l.Name,
            l => new BudgetExpectation(
                l.Value.GetProperty("decode").GetDouble(), l.Value.GetProperty("prefill").GetDouble(), l.Value.GetProperty("measured").GetBoolean())));

    private PerformanceBudget Checked(string path)
    {
        Require(path, Tolerance is > 0 and <= 1, "tolerance", Tolerance, "more than 0 and at most 1");
        Require(path, OtherProcessorTolerance is > 0 and <= 1, "other_processor_tolerance", OtherProcessorTolerance, "more than 0 and at most 1");
        Require(path, PromptLength > 0, "prompt", PromptLength, "at least 1");
        Require(path, GeneratedTokens > 0, "generate", GeneratedTokens, "at least 1");
        Require(path, Repetitions > 0, "repetitions", Repetitions, "at least 1");
        Require(path, Retries is >= 0 and <= 10, "retries", Retries, "0 to 10");
        Require(path, Cases.Length > 0, "cases", 0, "at least one case");
        foreach (BudgetCase one in Cases)
        {
            Require(path, (one.Model is null) != (one.Synthetic is null), one.Name, "neither or both", "one of 'model' and 'synthetic'");
            Require(path, one.MaxGib is > 0 and <= 1024, one.Name + ".max_gib", one.MaxGib, "more than 0 and at most 1024");
            foreach ((string level, BudgetExpectation expectation) in one.Levels)
            {
                string field = $"{one.Name}.{level}";
                Require(path, DeviceLevels.Names.Contains(level), field, level, string.Join(", ", DeviceLevels.Names));
                Require(path, expectation.Decode is > 0 and <= 10, field + ".decode", expectation.Decode, "a share of the limit above 0");
                Require(path, expectation.Prefill is > 0 and <= 10, field + ".prefill", expectation.Prefill, "a share of the limit above 0");
            }
        }

        return this;
    }

    private static void Require(string path, bool condition, string field, object value, string expected)
    {
        if (!condition)
        {
            throw new ModelFormatException(path, field, FormattableString.Invariant($"it is {value}; expected {expected}."));
        }
    }
}
