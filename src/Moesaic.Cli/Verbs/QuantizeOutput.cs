using System.Globalization;
using Moesaic.Cli.Output;
using Moesaic.Models.Checkpoints;
using Moesaic.Models.Export;

namespace Moesaic.Cli.Verbs;

/// <summary>What <c>quantize</c> reports.</summary>
internal sealed class QuantizeOutput(ExportReport report, QuantisationMix mix, int? calibrated, double? before, double? after)
{
    private const double MiB = 1 << 20;

    public void WriteTable(TextWriter output)
    {
        output.WriteLine("| tensor | shape | from | to | bytes | relative error |");
        output.WriteLine("|---|---|---|---|---:|---:|");
        foreach (ExportedTensor tensor in report.Tensors)
        {
            output.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"| {tensor.Name} | {string.Join('x', tensor.Shape)} | {tensor.Source ?? "-"} | {ElementFormats.NameOf(tensor.Format)}{(tensor.IsFallback ? " (rows do not fit)" : "")} | {tensor.Bytes} | {tensor.RelativeError:G4} |"));
        }

        output.WriteLine();
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{report.Path}: {mix.Name}, {report.FileBytes / MiB:F1} MiB, {report.Tensors.Length} tensors{(calibrated is { } n ? $", importance of {n} matrices" : "")}"));
        if (before is { } first && after is { } second)
        {
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"perplexity {first:G6} before, {second:G6} after ({100 * ((second / first) - 1):+0.00;-0.00}%)"));
        }
    }

    public string Json() => JsonText.Object(writer =>
    {
        writer.WriteString("output", report.Path);
        writer.WriteString("type", mix.Name);
        writer.WriteNumber("bytes", report.FileBytes);
        writer.WriteBoolean("has_tokenizer", report.HasTokenizer);
        if (calibrated is { } matrices)
        {
            writer.WriteNumber("calibrated_matrices", matrices);
        }

        writer.WriteStartArray("tensors");
        foreach (ExportedTensor tensor in report.Tensors)
        {
            writer.WriteStartObject();
            writer.WriteString("name", tensor.Name);
            writer.WriteStartArray("shape");
            foreach (long size in tensor.Shape)
            {
                writer.WriteNumberValue(size);
            }

            writer.WriteEndArray();
            writer.WriteString("from", tensor.Source);
            writer.WriteString("to", ElementFormats.NameOf(tensor.Format));
            writer.WriteNumber("bytes", tensor.Bytes);
            writer.WriteFinite("relative_error", tensor.RelativeError);
            writer.WriteBoolean("fallback", tensor.IsFallback);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        if (before is { } first && after is { } second)
        {
            writer.WriteStartObject("perplexity");
            writer.WriteFinite("before", first);
            writer.WriteFinite("after", second);
            writer.WriteFinite("relative_change", (second / first) - 1);
            writer.WriteEndObject();
        }
    });
}
