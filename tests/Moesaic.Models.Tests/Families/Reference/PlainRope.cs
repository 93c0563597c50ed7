using System.Text.Json.Nodes;

namespace Moesaic.Models.Tests.Families.Reference;

/// <summary>A rotation by a config.json in either generation's spelling: the formulas of the published models, in double.</summary>
internal sealed class PlainRope
{
    private readonly double[] _inverse;
    private readonly bool _interleaved;

    public PlainRope(PlainConfig config, int headWidth, string? layerType = null, double defaultTheta = 10000, bool interleaved = false)
    {
        _interleaved = interleaved;
        JsonObject? rope = config.Object("rope_parameters");
        double? theta;
        if (layerType is not null && rope?[layerType] is JsonObject own)
        {
            rope = own;
            theta = PlainConfig.Number(own, "rope_theta");
        }
        else if (layerType == "sliding_attention")
        {
            (rope, theta) = (null, config.Number("rope_local_base_freq", 10000));
        }
        else
        {
            rope ??= config.Object("rope_scaling");
            theta = PlainConfig.Number(rope, "rope_theta") ?? (config.Has("rope_theta") ? config.Number("rope_theta", 0) : null);
        }

        double partial = config.Number("partial_rotary_factor", PlainConfig.Number(rope, "partial_rotary_factor") ?? 1);
        int width = (int)(headWidth * partial);
        double basis = theta ?? defaultTheta;
        _inverse = [.. Enumerable.Range(0, width / 2).Select(i => Math.Pow(basis, -2.0 * i / width))];
        string kind = (rope?["rope_type"] ?? rope?["type"])?.GetValue<string>() ?? "default";
        double factor = PlainConfig.Number(rope, "factor") ?? 1;
        double longest = config.Number("max_position_embeddings", 0);
        double original = PlainConfig.Number(rope, "original_max_position_embeddings") ?? config.Number("original_max_position_embeddings", longest);
        switch (kind)
        {
            case "linear":
                Scale(_ => 1 / factor);
                break;
            case "llama3":
                (double low, double high) = (PlainConfig.Number(rope, "low_freq_factor")!.Value, PlainConfig.Number(rope, "high_freq_factor")!.Value);
                Scale(i =>
                {
                    double turns = original * _inverse[i] / (2 * Math.PI);
                    double kept = Math.Clamp((turns - low) / (high - low), 0, 1);
                    return ((1 - kept) / factor) + kept;
                });
                break;
            case "yarn":
                Yarn(rope!, width, basis, factor, original);
                break;
            case "longrope" or "su":
                JsonArray factors = rope![longest > original ? "long_factor" : "short_factor"]!.AsArray();
                Scale(i => 1 / factors[i]!.GetValue<double>());
                Factor = PlainConfig.Number(rope, "attention_factor") ?? (longest > original ? Math.Sqrt(1 + (Math.Log(longest / original) / Math.Log(original))) : 1);
                break;
        }
    }

    /// <summary>What cosines and sines are multiplied with.</summary>
    public double Factor { get; private set; } = 1;

    /// <summary>What latent attention multiplies the scale of its scores with.</summary>
    public double SoftmaxFactor { get; private set; } = 1;

    /// <summary>Turns the first channels from <paramref name="begin"/> on.</summary>
    public void Apply(double[] x, int begin, int position)
    {
        int half = _inverse.Length;
        for (int i = 0; i < half; i++)
        {
            int a = begin + (_interleaved ? 2 * i : i), b = begin + (_interleaved ? (2 * i) + 1 : i + half);
            (double sin, double cos) = Math.SinCos(position * _inverse[i]);
            (x[a], x[b]) = (Factor * ((x[a] * cos) - (x[b] * sin)), Factor * ((x[b] * cos) + (x[a] * sin)));
        }
    }

    private void Yarn(JsonObject rope, int width, double basis, double factor, double original)
    {
        double Index(double turns) => width * Math.Log(original / (turns * 2 * Math.PI)) / (2 * Math.Log(basis));
        static double Growth(double s, double m) => s <= 1 ? 1 : (0.1 * m * Math.Log(s)) + 1;
        bool whole = rope["truncate"]?.GetValue<bool>() ?? true;
        double low = Index(PlainConfig.Number(rope, "beta_fast") ?? 32), high = Index(PlainConfig.Number(rope, "beta_slow") ?? 1);
        low = Math.Max(whole ? Math.Floor(low) : low, 0);
        high = Math.Min(whole ? Math.Ceiling(high) : high, width - 1);
        high += low == high ? 0.001 : 0;
        Scale(i =>
        {
            double stretched = Math.Clamp((i - low) / (high - low), 0, 1);
            return (stretched / factor) + 1 - stretched;
        });
        double? one = PlainConfig.Number(rope, "mscale"), all = PlainConfig.Number(rope, "mscale_all_dim");
        Factor = PlainConfig.Number(rope, "attention_factor") ?? (one is > 0 && all is > 0 ? Growth(factor, one.Value) / Growth(factor, all.Value) : Growth(factor, 1));
        SoftmaxFactor = all is > 0 ? Math.Pow(Growth(factor, all.Value), 2) : 1;
    }

    private void Scale(Func<int, double> factor)
    {
        for (int i = 0; i < _inverse.Length; i++)
        {
            _inverse[i] *= factor(i);
        }
    }
}
