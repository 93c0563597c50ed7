using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Moesaic.Engine.Benchmarking;

/// <summary>A budget as the text of its file, one level a line.</summary>
public static class PerformanceBudgetWriter
{
    public static string Write(PerformanceBudget budget)
    {
        ArgumentNullException.ThrowIfNull(budget);
        StringBuilder text = new();
        Line(text, $"{{");
        Line(text, $"  \"about\": {Quoted(budget.About)},");
        Line(text, $"  \"tolerance\": {budget.Tolerance},");
        if (budget.Processor is { } processor)
        {
            Line(text, $"  \"processor\": {Quoted(processor)},");
            Line(text, $"  \"other_processor_tolerance\": {budget.OtherProcessorTolerance},");
        }

        Line(text, $"  \"prompt\": {budget.PromptLength},");
        Line(text, $"  \"generate\": {budget.GeneratedTokens},");
        Line(text, $"  \"repetitions\": {budget.Repetitions},");
        Line(text, $"  \"retries\": {budget.Retries},");
        Line(text, $"  \"cases\": [");
        for (int i = 0; i < budget.Cases.Length; i++)
        {
            BudgetCase one = budget.Cases[i];
            string source = one.Model is not null ? $"\"model\": {Quoted(one.Model)}"
                : $"\"synthetic\": {Quoted(one.Synthetic!)}" + (one.Type is null ? "" : $", \"type\": {Quoted(one.Type)}");
            Line(text, $"    {{");
            Line(text, $"      \"name\": {Quoted(one.Name)}, {source}, \"max_gib\": {one.MaxGib},");
            Line(text, $"      \"levels\": {{");
            string[] levels = [.. DeviceLevels.Names.Where(one.Levels.ContainsKey)];
            foreach (string level in levels)
            {
                BudgetExpectation e = one.Levels[level];
                Line(text, $"        {Quoted(level)}: {{ \"decode\": {e.Decode:0.00}, \"prefill\": {e.Prefill:0.00}, \"measured\": {(e.Measured ? "true" : "false")} }}{(level == levels[^1] ? "" : ",")}");
            }

            Line(text, $"      }}");
            Line(text, $"    }}{(i + 1 == budget.Cases.Length ? "" : ",")}");
        }

        Line(text, $"  ]");
        Line(text, $"}}");
        return text.ToString();
    }

    private static string Quoted(string value) => $"\"{JsonEncodedText.Encode(value, System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping)}\"";

    private static void Line(StringBuilder text, FormattableString line) => text.Append(line.ToString(CultureInfo.InvariantCulture)).Append('\n');
}
