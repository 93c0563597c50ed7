using System.Globalization;
using System.Text;
using Moesaic.Cli.Hosting;
using Moesaic.Cli.Input;
using Moesaic.Cli.Output;
using Moesaic.Cli.Pull;
using Moesaic.Models.Decoder;
using Moesaic.Models.Embedded;

namespace Moesaic.Cli.Verbs;

internal static class InspectCommand
{
    private const double MiB = 1 << 20;
    private static readonly (string Name, KvFormat Format)[] s_formats = [("f32", KvFormat.F32), ("bf16", KvFormat.BF16), ("int8", KvFormat.Int8)];

    public static Task<int> RunAsync(InspectOptions options, Terminal terminal, CancellationToken cancellationToken)
    {
        string? argument = PlainText.Single(options.Path, "model");
        if (argument is not null && options.Model is not null)
        {
            throw new UsageException("the model is given twice, as an argument and with --model");
        }

        cancellationToken.ThrowIfCancellationRequested();
        string path = ModelCache.Resolve(argument ?? options.Model) ?? EmbeddedModel.Path;
        if (Models.Encoder.OpenedEncoder.IsEncoder(path))
        {
            EncoderReport encoder = EncoderReport.Of(path);
            terminal.Output.Write(options.Json ? encoder.Json() + "\n" : encoder.Text());
            return Task.FromResult(ExitCodes.Success);
        }

        ModelReport report = ModelReport.Of(path);
        terminal.Output.Write(options.Json ? Json(report) + "\n" : Text(report));
        return Task.FromResult(ExitCodes.Success);
    }

    private static string Text(ModelReport report)
    {
        DecoderDescription d = report.Description;
        AttentionDescription a = d.Layers[0].Attention;
        StringBuilder text = new();
        void Line(string name, FormattableString value) => text.Append(name.PadRight(18)).AppendLine(value.ToString(CultureInfo.InvariantCulture));

        Line("model", $"{report.Name}");
        Line("family", $"{d.Family} ({d.Architecture})");
        Line("parameters", $"{report.Costs.Parameters:N0}, active a token {report.Costs.ActiveParameters:N0}");
        Line("layers", $"{d.Layers.Length}, {report.NumMoeLayers} of them with experts; multi-token-prediction layers {d.MtpLayers.Length}");
        Line("hidden size", $"{d.HiddenSize}");
        Line("attention", a.Latent is { } latent
            ? (FormattableString)$"{a.NumHeads} heads over latents of {latent.LatentWidth} channels and {latent.RotatedWidth} rotated ones, which alone are cached; query width {latent.QueryWidth}, value width {a.ValueWidth}"
            : $"{a.NumHeads} heads, {a.NumKeyValueHeads} key-value heads, key width {a.KeyWidth}, value width {a.ValueWidth}");
        if (report.Moe is { } moe)
        {
            string shared = moe.Shared is { } s ? $", shared expert width {s.Width}" : "";
            Line("experts", $"{moe.NumExperts}, {moe.Router.TopK} a token, width {moe.ExpertWidth}{shared}");
        }

        Line("vocabulary", $"{report.NumTokens} tokens, {d.VocabularySize} rows");
        Line("context", $"{d.ContextLength}");
        Line("tokenizer", $"{report.TokenizerKind ?? "none"}{(report.TokenizerKind is not null && report.TokenizerError is { } e ? $", cannot be used: {e}" : "")}");
        Line("chat template", $"{(report.TemplateError is { } t ? $"cannot be used: {t}" : report.HasChatTemplate ? "yes" : "none")}");
        Line("end tokens", $"{string.Join(", ", report.EndIds.Select((id, i) => report.EndTokens[i] is { } token ? $"{id} {token}" : $"{id}"))}");
        foreach (ModelReport.TypeShare type in report.Types)
        {
            Line($"type {type.Name}", $"{type.Count} tensors, {type.Bytes / MiB:F2} MiB");
        }

        Line("ignored tensors", $"{report.Ignored.Count}");
        foreach (IgnoredTensor ignored in report.Ignored)
        {
            Line("", $"{ignored.Tensor}: {ignored.Reason}");
        }

        Line("weights", $"{report.Costs.WeightBytes / MiB:F1} MiB as stored");
        text.AppendLine().AppendLine("Memory for weights and the cache of one sequence, MiB, by type of the cache:");
        text.Append("   context").AppendLine(string.Concat(s_formats.Select(f => f.Name.PadLeft(12))));
        foreach (int context in report.Contexts)
        {
            text.Append(CultureInfo.InvariantCulture, $"{context,10}");
            foreach ((_, KvFormat format) in s_formats)
            {
                text.Append(CultureInfo.InvariantCulture, $"{(report.Costs.WeightBytes + report.Costs.CacheBytes(format, context)) / MiB,12:F1}");
            }

            text.AppendLine();
        }

        return text.ToString();
    }

    private static string Json(ModelReport report) => JsonText.Object(writer =>
    {
        DecoderDescription d = report.Description;
        AttentionDescription a = d.Layers[0].Attention;
        writer.WriteString("model", report.Name);
        writer.WriteString("family", d.Family);
        writer.WriteString("architecture", d.Architecture);
        writer.WriteNumber("parameters", report.Costs.Parameters);
        writer.WriteNumber("active_parameters", report.Costs.ActiveParameters);
        writer.WriteNumber("layers", d.Layers.Length);
        writer.WriteNumber("moe_layers", report.NumMoeLayers);
        writer.WriteNumber("mtp_layers", d.MtpLayers.Length);
        writer.WriteNumber("hidden_size", d.HiddenSize);
        writer.WriteNumber("heads", a.NumHeads);
        writer.WriteNumber("key_value_heads", a.NumKeyValueHeads);
        writer.WriteNumber("experts", report.Moe?.NumExperts ?? 0);
        writer.WriteNumber("experts_per_token", report.Moe?.Router.TopK ?? 0);
        writer.WriteNumber("tokens", report.NumTokens);
        writer.WriteNumber("vocabulary_size", d.VocabularySize);
        writer.WriteNumber("context_length", d.ContextLength);
        writer.WriteString("tokenizer", report.TokenizerKind);
        writer.WriteString("tokenizer_error", report.TokenizerKind is null ? null : report.TokenizerError);
        writer.WriteBoolean("chat_template", report.HasChatTemplate);
        writer.WriteString("chat_template_error", report.TemplateError);
        writer.WriteIds("end_ids", report.EndIds);
        writer.WriteStartArray("dtypes");
        foreach (ModelReport.TypeShare type in report.Types)
        {
            writer.WriteStartObject();
            writer.WriteString("type", type.Name);
            writer.WriteNumber("tensors", type.Count);
            writer.WriteNumber("bytes", type.Bytes);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteStartArray("ignored");
        foreach (IgnoredTensor ignored in report.Ignored)
        {
            writer.WriteStartObject();
            writer.WriteString("name", ignored.Tensor.Name);
            writer.WriteString("reason", ignored.Reason);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteNumber("weight_bytes", report.Costs.WeightBytes);
        writer.WriteStartArray("memory");
        foreach (int context in report.Contexts)
        {
            writer.WriteStartObject();
            writer.WriteNumber("context", context);
            foreach ((string name, KvFormat format) in s_formats)
            {
                writer.WriteNumber($"{name}_bytes", report.Costs.WeightBytes + report.Costs.CacheBytes(format, context));
            }

            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    });
}
