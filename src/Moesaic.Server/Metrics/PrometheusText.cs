using System.Buffers;
using System.Globalization;
using System.Text;

namespace Moesaic.Server.Metrics;

/// <summary>Writes samples in Prometheus' text format, version 0.0.4.</summary>
internal sealed class PrometheusText
{
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    private readonly StringBuilder _text = new();

    /// <summary>Begins a family.</summary>
    public void Family(string name, string type, string help) =>
        _text.Append("# HELP ").Append(name).Append(' ').Append(help).Append("\n# TYPE ").Append(name).Append(' ').Append(type).Append('\n');

    /// <summary>One sample.</summary>
    public void Sample(string name, double value, params ReadOnlySpan<(string Name, string Value)> labels)
    {
        _text.Append(name);
        char separator = '{';
        foreach ((string label, string text) in labels)
        {
            _text.Append(separator).Append(label).Append("=\"").Append(Escape(text)).Append('"');
            separator = ',';
        }

        _text.Append(labels.Length > 0 ? "} " : " ").Append(Number(value)).Append('\n');
    }

    /// <summary>The samples of one histogram.</summary>
    public void Histogram(string name, Histogram histogram, string model)
    {
        long count = 0;
        for (int i = 0; i <= histogram.Bounds.Length; i++)
        {
            count += histogram.Count(i);
            string bound = i < histogram.Bounds.Length ? Number(histogram.Bounds[i]) : "+Inf";
            Sample(name + "_bucket", count, ("model_name", model), ("le", bound));
        }

        Sample(name + "_sum", histogram.Sum, ("model_name", model));
        Sample(name + "_count", count, ("model_name", model));
    }

    public byte[] ToUtf8() => Encoding.UTF8.GetBytes(_text.ToString());

    private static string Number(double value) => value.ToString("R", CultureInfo.InvariantCulture);

    private static string Escape(string text) => text.AsSpan().IndexOfAny(Escaped) < 0
        ? text
        : text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);

    private static readonly SearchValues<char> Escaped = SearchValues.Create("\\\"\n");
}
