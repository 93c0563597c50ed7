namespace Moesaic.Models.Configurations;

/// <summary>
/// Reads rope settings from config.json in both spellings: <c>rope_theta</c> and <c>rope_scaling</c> (transformers 4),
/// or <c>rope_parameters</c>, which holds all of them and may be split by layer type (transformers 5).
/// </summary>
public static class HuggingFaceRope
{
    /// <summary>Bounds that keep the arithmetic finite; real values lie far inside.</summary>
    private const double MinTheta = 1.01;

    private const double MaxTheta = 1e12;
    private const double MaxFactor = 1e6;
    private const double MaxContext = 1L << 31;

    /// <param name="config">config.json; the keys read count as read.</param>
    /// <param name="defaultTheta">Used where no theta is given.</param>
    /// <param name="layerType">Which part of a <c>rope_parameters</c> that is split by layer type; null where it may not be split.</param>
    /// <exception cref="ModelFormatException">A value is impossible, the kind of scaling is unknown, or the two spellings are both present.</exception>
    public static RopeSettings Read(JsonConfig config, double defaultTheta = 10000, string? layerType = null)
    {
        ArgumentNullException.ThrowIfNull(config);
        JsonConfig? rope = FindParameters(config, layerType);
        double? theta = ReadNumber(config, "rope_theta", MinTheta, MaxTheta);
        if (rope is not null && ReadNumber(rope, "rope_theta", MinTheta, MaxTheta) is { } inner)
        {
            theta = theta is null || theta == inner ? inner : throw rope.Error("rope_theta", $"it says {inner}, while the rope_theta outside says {theta}.");
        }

        double? partial = rope is null ? null : ReadNumber(rope, "partial_rotary_factor", double.Epsilon, 1);
        RopeScaling scaling = rope is null ? RopeScaling.None : ReadScaling(config, rope);
        return new RopeSettings(theta ?? defaultTheta, scaling, partial);
    }

    /// <summary>
    /// Reads the settings of one type of layers that has its own: its part of <c>rope_parameters</c> where that is split by layer
    /// type, else no scaling and the given theta. The <c>rope_theta</c> of the whole model is not looked at.
    /// </summary>
    /// <exception cref="ModelFormatException">A value is impossible, or the kind of scaling is unknown.</exception>
    public static RopeSettings ReadOwn(JsonConfig config, string layerType, double defaultTheta)
    {
        ArgumentNullException.ThrowIfNull(config);
        if (!config.TryGetObject("rope_parameters", out JsonConfig? parameters) || !parameters.IsObject(layerType) || !parameters.TryGetObject(layerType, out JsonConfig? rope))
        {
            return new RopeSettings(defaultTheta, RopeScaling.None);
        }

        double? partial = ReadNumber(rope, "partial_rotary_factor", double.Epsilon, 1);
        return new RopeSettings(ReadNumber(rope, "rope_theta", MinTheta, MaxTheta) ?? defaultTheta, ReadScaling(config, rope), partial);
    }

    private static JsonConfig? FindParameters(JsonConfig config, string? layerType)
    {
        bool hasScaling = config.TryGetObject("rope_scaling", out JsonConfig? scaling);
        if (!config.TryGetObject("rope_parameters", out JsonConfig? parameters))
        {
            return scaling;
        }

        if (hasScaling)
        {
            throw config.Error("rope_scaling", "both rope_scaling and rope_parameters are given; expected one of them.");
        }

        return layerType is not null && parameters.IsObject(layerType) && parameters.TryGetObject(layerType, out JsonConfig? part) ? part : parameters;
    }

    private static RopeScaling ReadScaling(JsonConfig config, JsonConfig rope)
    {
        string? type = rope.TryGetString("rope_type", out string? text) ? text : null;
        string? alias = rope.TryGetString("type", out text) ? text : null;
        if (type is not null && alias is not null && type != alias)
        {
            throw rope.Error("rope_type", $"it says '{type}', while type says '{alias}'.");
        }

        return (type ?? alias) switch
        {
            null or "default" => RopeScaling.None,
            "linear" => new RopeScaling { Kind = RopeScalingKind.Linear, Factor = ReadFactor(rope) },
            "llama3" => ReadLlama3(config, rope),
            "yarn" when rope.Has("short_factor") => ReadPhiYarn(config, rope),
            "yarn" => ReadYarn(config, rope),
            "longrope" or "su" => ReadLongRope(config, rope),
            string other => throw rope.Error(type is null ? "type" : "rope_type", $"the kind of rope scaling '{other}' is not supported; expected default, linear, llama3, yarn or longrope."),
        };
    }

    private static RopeScaling ReadLlama3(JsonConfig config, JsonConfig rope)
    {
        double low = Required(rope, "low_freq_factor", double.Epsilon, MaxFactor);
        double high = Required(rope, "high_freq_factor", double.Epsilon, MaxFactor);
        return new RopeScaling
        {
            Kind = RopeScalingKind.Llama3,
            Factor = ReadFactor(rope),
            OriginalContext = ReadOriginalContext(config, rope),
            LowFrequencyFactor = low,
            HighFrequencyFactor = high > low ? high : throw rope.Error("high_freq_factor", $"the value {high} must be above low_freq_factor, {low}."),
        };
    }

    private static RopeScaling ReadYarn(JsonConfig config, JsonConfig rope)
    {
        double fast = ReadNumber(rope, "beta_fast", double.Epsilon, MaxFactor) ?? 32;
        double slow = ReadNumber(rope, "beta_slow", double.Epsilon, MaxFactor) ?? 1;
        return new RopeScaling
        {
            Kind = RopeScalingKind.Yarn,
            Factor = ReadFactor(rope),
            OriginalContext = ReadOriginalContext(config, rope),
            BetaFast = fast >= slow ? fast : throw rope.Error("beta_fast", $"the value {fast} must not be below beta_slow, {slow}."),
            BetaSlow = slow,
            Truncate = rope.GetBoolean("truncate", absent: true),
            AttentionFactor = ReadNumber(rope, "attention_factor", double.Epsilon, MaxFactor),
            Mscale = ReadNumber(rope, "mscale", 0, MaxFactor),
            MscaleAllDim = ReadNumber(rope, "mscale_all_dim", 0, MaxFactor),
        };
    }

    private static RopeScaling ReadLongRope(JsonConfig config, JsonConfig rope)
    {
        double original = ReadOriginalContext(config, rope);
        double? longest = ReadNumber(config, "max_position_embeddings", 1, MaxContext);
        double? factor = ReadNumber(rope, "factor", double.Epsilon, MaxFactor);
        return new RopeScaling
        {
            Kind = RopeScalingKind.LongRope,
            OriginalContext = original,

            // The ratio of the contexts comes before a factor that is written down.
            Factor = longest / original ?? factor ?? throw rope.Error("factor", "this key is missing, and so is max_position_embeddings; expected one of them."),
            AttentionFactor = ReadNumber(rope, "attention_factor", double.Epsilon, MaxFactor),
            ShortFactors = ReadFactors(rope, "short_factor"),
            LongFactors = ReadFactors(rope, "long_factor"),
            ShortMscale = ReadNumber(rope, "short_mscale", double.Epsilon, MaxFactor),
            LongMscale = ReadNumber(rope, "long_mscale", double.Epsilon, MaxFactor),
        };
    }

    /// <summary>Early Phi-3 configurations call longrope's frequencies yarn where they come with YaRN's attention factor.</summary>
    private static RopeScaling ReadPhiYarn(JsonConfig config, JsonConfig rope)
    {
        RopeScaling scaling = ReadLongRope(config, rope);
        return scaling with { AttentionFactor = scaling.AttentionFactor ?? RopeFrequencies.LogScale(scaling.Factor, 1) };
    }

    /// <summary>Inside the rope object; Phi-3 has it outside; else, as transformers has it, the model's whole context.</summary>
    private static double ReadOriginalContext(JsonConfig config, JsonConfig rope)
    {
        const string key = "original_max_position_embeddings";
        double? outside = ReadNumber(config, key, 1, MaxContext);
        double? inside = ReadNumber(rope, key, 1, MaxContext);
        return inside ?? outside ?? Required(config, "max_position_embeddings", 1, MaxContext);
    }

    private static double[] ReadFactors(JsonConfig rope, string key)
    {
        double[] factors = rope.GetDoubleArray(key);
        return Array.TrueForAll(factors, f => f is > 0 and <= MaxFactor) ? factors : throw rope.Error(key, $"every factor must lie above 0 and be at most {MaxFactor}.");
    }

    private static double ReadFactor(JsonConfig rope) => Required(rope, "factor", 1, MaxFactor);

    private static double Required(JsonConfig config, string key, double min, double max) =>
        ReadNumber(config, key, min, max) ?? throw config.Error(key, "this key is missing; expected a number.");

    private static double? ReadNumber(JsonConfig config, string key, double min, double max)
    {
        if (!config.TryGetDouble(key, out double value))
        {
            return null;
        }

        return value >= min && value <= max ? value : throw config.Error(key, $"the value {value} lies outside {min} to {max}.");
    }
}
