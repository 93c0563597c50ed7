using Moesaic.Models.Checkpoints;

namespace Moesaic.Models.Configurations;

/// <summary>What the GGUF keys do not say and the family has to.</summary>
/// <param name="Truncate">Whether YaRN's blend is rounded to whole frequencies (gpt-oss: not; the format has no key).</param>
/// <param name="YarnLogMultiplierUnit">What <c>yarn_log_multiplier</c> is counted in: 1, but 0.1 for deepseek2.</param>
/// <param name="HasLongRopeFactors">Whether <c>rope_factors_short</c> and <c>rope_factors_long</c> tensors belong to the model.</param>
public sealed record GgufRopeRules(bool Truncate = true, double YarnLogMultiplierUnit = 1, bool HasLongRopeFactors = false);

/// <summary>Reads rope settings from GGUF metadata; longrope divisors come from tensors.</summary>
public static class GgufRope
{
    private const double MinTheta = 1.01;
    private const double MaxTheta = 1e12;
    private const double MaxFactor = 1e6;

    /// <param name="config">The hyper-parameters; the keys read count as read.</param>
    /// <param name="checkpoint">Where the factor tensors are.</param>
    /// <param name="rules">What the keys do not say.</param>
    /// <exception cref="ModelFormatException">A value is impossible, the kind of scaling is unknown, or a needed tensor is missing or wrong.</exception>
    public static RopeSettings Read(GgufConfig config, ICheckpoint checkpoint, GgufRopeRules rules)
    {
        ArgumentNullException.ThrowIfNull(config);
        ArgumentNullException.ThrowIfNull(checkpoint);
        ArgumentNullException.ThrowIfNull(rules);
        double theta = ReadNumber(config, "rope.freq_base", MinTheta, MaxTheta) ?? 10000;
        double? factor = ReadNumber(config, "rope.scaling.factor", 1, MaxFactor) ?? ReadNumber(config, "rope.scale_linear", 1, MaxFactor);
        double original = ReadOriginalContext(config);
        double? attention = ReadNumber(config, "rope.scaling.attn_factor", double.Epsilon, MaxFactor);
        string type = config.GetString("rope.scaling.type", factor > 1 ? "linear" : "none");
        config.Ignore("rope.scaling.finetuned");
        RopeScaling scaling = rules.HasLongRopeFactors ? ReadLongRope(config, checkpoint, original, attention) : type switch
        {
            "none" => RopeScaling.None,
            "linear" => new RopeScaling { Kind = RopeScalingKind.Linear, Factor = factor ?? 1 },
            "yarn" => ReadYarn(config, factor ?? 1, original, attention, rules),
            "longrope" => throw config.Error("rope.scaling.type", "longrope is not supported for this architecture."),
            _ => throw config.Error("rope.scaling.type", $"the kind of rope scaling '{type}' is not supported; expected none, linear, yarn or longrope."),
        };
        return new RopeSettings(theta, scaling);
    }

    /// <summary>
    /// The divisors of <c>rope_freqs.weight</c> (Llama 3.1 scaling, worked out by the converter), or null where the file has none.
    /// </summary>
    /// <exception cref="ModelFormatException">The tensor has another type or length, or a divisor is not positive.</exception>
    public static float[]? ReadDivisors(ICheckpoint checkpoint, int count)
    {
        ArgumentNullException.ThrowIfNull(checkpoint);
        return checkpoint.TryGetTensor("rope_freqs.weight", out CheckpointTensor? tensor) ? ReadFactors(tensor, count) : null;
    }

    private static RopeScaling ReadYarn(GgufConfig config, double factor, double original, double? attention, GgufRopeRules rules)
    {
        RequireOne(config, "rope.scaling.yarn_ext_factor");
        RequireOne(config, "rope.scaling.yarn_attn_factor");
        double? multiplier = ReadNumber(config, "rope.scaling.yarn_log_multiplier", 0, MaxFactor) / rules.YarnLogMultiplierUnit;
        double fast = ReadNumber(config, "rope.scaling.yarn_beta_fast", double.Epsilon, MaxFactor) ?? 32;
        double slow = ReadNumber(config, "rope.scaling.yarn_beta_slow", double.Epsilon, MaxFactor) ?? 1;
        RopeScaling scaling = new()
        {
            Kind = RopeScalingKind.Yarn,
            Factor = factor,
            OriginalContext = original > 0 ? original : throw config.Error("rope.scaling.original_context_length", "this key is missing; YaRN needs it."),
            BetaFast = fast >= slow ? fast : throw config.Error("rope.scaling.yarn_beta_fast", $"the value {fast} must not be below yarn_beta_slow, {slow}."),
            BetaSlow = slow,
            Truncate = rules.Truncate,

            // The converters write one number for both: all published models have them equal.
            Mscale = multiplier > 0 ? multiplier : null,
            MscaleAllDim = multiplier > 0 ? multiplier : null,
        };

        // Unlike config.json's attention_factor, the key multiplies what follows from the factor.
        return attention is null or 1 ? scaling : scaling with { AttentionFactor = attention * RopeFrequencies.AttentionFactorOf(scaling) };
    }

    private static RopeScaling ReadLongRope(GgufConfig config, ICheckpoint checkpoint, double original, double? attention)
    {
        CheckpointTensor shortFactors = checkpoint.GetTensor("rope_factors_short.weight");
        CheckpointTensor longFactors = checkpoint.GetTensor("rope_factors_long.weight");
        return new RopeScaling
        {
            Kind = RopeScalingKind.LongRope,
            OriginalContext = original > 0 ? original : throw config.Error("rope.scaling.original_context_length", "this key is missing; longrope needs it."),
            AttentionFactor = attention ?? 1,
            ShortFactors = Array.ConvertAll(ReadFactors(shortFactors, (int)Math.Min(shortFactors.ElementCount, 1 << 16)), f => (double)f),
            LongFactors = Array.ConvertAll(ReadFactors(longFactors, (int)Math.Min(longFactors.ElementCount, 1 << 16)), f => (double)f),
        };
    }

    private static float[] ReadFactors(CheckpointTensor tensor, int count)
    {
        if (tensor.Format != ElementFormat.F32 || tensor.ElementCount != count)
        {
            throw new ModelFormatException(tensor.File.Path, tensor.Name, $"expected {count} values of F32, found {ElementFormats.NameOf(tensor.Format)} [{string.Join(", ", tensor.Shape)}].");
        }

        float[] factors = new float[count];
        tensor.CopyBytes(0, System.Runtime.InteropServices.MemoryMarshal.AsBytes(factors.AsSpan()));
        return Array.TrueForAll(factors, f => f > 0 && float.IsFinite(f)) ? factors : throw new ModelFormatException(tensor.File.Path, tensor.Name, "every divisor must be positive and finite.");
    }

    private static double ReadOriginalContext(GgufConfig config) => config.GetInt32InRange("rope.scaling.original_context_length", 0, int.MaxValue, absent: 0);

    private static void RequireOne(GgufConfig config, string key)
    {
        if (config.TryGetDouble(key, out double value) && value != 1)
        {
            throw config.Error(key, $"the value {value} is not supported; expected 1.");
        }
    }

    private static double? ReadNumber(GgufConfig config, string key, double min, double max)
    {
        // Converters write 0 for "no scaling" into several of these keys.
        if (!config.TryGetDouble(key, out double value) || value == 0)
        {
            return null;
        }

        return value >= min && value <= max ? value : throw config.Error(key, $"the value {value} lies outside {min} to {max}.");
    }
}
