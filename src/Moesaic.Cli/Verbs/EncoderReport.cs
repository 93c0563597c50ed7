using System.Globalization;
using System.Text;
using Moesaic.Cli.Output;
using Moesaic.Models.Checkpoints;
using Moesaic.Models.Decoder;
using Moesaic.Models.Encoder;

namespace Moesaic.Cli.Verbs;

/// <summary>What inspect finds out about an opened encoder.</summary>
internal sealed class EncoderReport
{
    private const double MiB = 1 << 20;
    private readonly string _name;
    private readonly EncoderPlan _plan;
    private readonly (string Name, int Count, long Bytes)[] _types;

    private EncoderReport(OpenedEncoder encoder)
    {
        _name = encoder.Location.Name;
        _plan = EncoderPlan.Create(encoder.Description, encoder.Checkpoint);
        _types = [.. encoder.Checkpoint.Tensors.GroupBy(t => t.Format).Select(g => (ElementFormats.NameOf(g.Key), g.Count(), g.Sum(t => t.ByteLength))).OrderByDescending(t => t.Item3)];
    }

    private long Parameters => _plan.Matrices.Sum(m => m.Source.Count) + _plan.Vectors.Keys.Sum(v => v.Length);

    private string Pooling => _plan.Description.Pooling.Kind switch
    {
        PoolingKind.FirstToken => "cls",
        PoolingKind.LastToken => "lasttoken",
        _ => "mean",
    };

    /// <exception cref="Models.ModelFormatException">The model cannot be used.</exception>
    public static EncoderReport Of(string path)
    {
        using OpenedEncoder encoder = OpenedEncoder.Open(path);
        return new EncoderReport(encoder);
    }

    public string Text()
    {
        EncoderDescription d = _plan.Description;
        StringBuilder text = new();
        void Line(string name, FormattableString value) => text.Append(name.PadRight(18)).AppendLine(value.ToString(CultureInfo.InvariantCulture));

        Line("model", $"{_name}");
        Line("family", $"{d.Family} ({d.Architecture}), an encoder: makes embeddings");
        Line("parameters", $"{Parameters:N0}");
        Line("layers", $"{d.Layers.Length}");
        Line("dimensions", $"{d.HiddenSize}");
        Line("attention", $"{d.Layers[0].Attention.NumHeads} heads, bidirectional");
        Line("vocabulary", $"{d.VocabularySize} rows");
        Line("context", $"{d.ContextLength}");
        Line("pooling", $"{Pooling}{(d.Pooling.Normalise ? ", normalised" : "")}");
        foreach ((string name, int count, long bytes) in _types)
        {
            Line($"type {name}", $"{count} tensors, {bytes / MiB:F2} MiB");
        }

        Line("ignored tensors", $"{_plan.Ignored.Length}");
        foreach (IgnoredTensor ignored in _plan.Ignored)
        {
            Line("", $"{ignored.Tensor}: {ignored.Reason}");
        }

        Line("weights", $"{_plan.SourceBytes / MiB:F1} MiB as stored");
        return text.ToString();
    }

    public string Json() => JsonText.Object(writer =>
    {
        EncoderDescription d = _plan.Description;
        writer.WriteString("model", _name);
        writer.WriteString("kind", "encoder");
        writer.WriteString("family", d.Family);
        writer.WriteString("architecture", d.Architecture);
        writer.WriteNumber("parameters", Parameters);
        writer.WriteNumber("layers", d.Layers.Length);
        writer.WriteNumber("dimensions", d.HiddenSize);
        writer.WriteNumber("heads", d.Layers[0].Attention.NumHeads);
        writer.WriteNumber("vocabulary_size", d.VocabularySize);
        writer.WriteNumber("context_length", d.ContextLength);
        writer.WriteString("pooling", Pooling);
        writer.WriteBoolean("normalised", d.Pooling.Normalise);
        writer.WriteStartArray("ignored");
        foreach (IgnoredTensor ignored in _plan.Ignored)
        {
            writer.WriteStartObject();
            writer.WriteString("name", ignored.Tensor.Name);
            writer.WriteString("reason", ignored.Reason);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteNumber("weight_bytes", _plan.SourceBytes);
    });
}
