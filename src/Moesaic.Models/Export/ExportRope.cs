using Moesaic.Models.Checkpoints.Gguf;
using Moesaic.Models.Configurations;
using Moesaic.Models.Decoder;
using Moesaic.Models.Families;

namespace Moesaic.Models.Export;

/// <summary>Rotary embeddings as GGUF keys, and as tensors of divisors where a scaling has no keys.</summary>
internal static class ExportRope
{
    // Factors of configurations that mean the same differ in their last digits.
    private const double SameFactor = 1e-7;

    /// <summary>Divisors of the frequencies: of Llama 3's scaling, and both sets of longrope.</summary>
    /// <exception cref="ModelFormatException">The architecture's files have no place for the scaling.</exception>
    public static IEnumerable<ExportTensor> Tensors(DecoderDescription decoder, GgufScheme scheme, string file)
    {
        TensorList tensors = new();
        RopeDescription rope = decoder.Ropes[0];
        RopeScaling scaling = SettingsOf(rope).Scaling;
        switch (scaling.Kind)
        {
            case RopeScalingKind.Llama3:
                tensors.Values("rope_freqs.weight", Llama3Divisors(SettingsOf(rope), rope.Dimensions));
                break;
            case RopeScalingKind.LongRope when scheme.Rope.HasLongRopeFactors:
                tensors.Values("rope_factors_long.weight", [.. scaling.LongFactors.Select(f => (float)f)]);
                tensors.Values("rope_factors_short.weight", [.. scaling.ShortFactors.Select(f => (float)f)]);
                break;
            case RopeScalingKind.LongRope:
                throw new ModelFormatException(file, "rope_scaling", $"GGUF files of {scheme.Architecture} have no place for longrope.");
        }

        return tensors.All;
    }

    public static void AddKeys(DecoderDescription decoder, GgufScheme scheme, GgufPairs pairs)
    {
        RopeDescription rope = decoder.Ropes[0];
        RopeSettings settings = SettingsOf(rope);
        RopeScaling scaling = settings.Scaling;
        Whole("dimension_count", rope.Dimensions);
        Key("freq_base", settings.Theta);
        if (decoder.Ropes.Length > 1)
        {
            Key("freq_base_swa", SettingsOf(decoder.Ropes[1]).Theta);
        }

        switch (scaling.Kind)
        {
            case RopeScalingKind.Linear:
                pairs.Add(scheme.Architecture + ".rope.scaling.type", "linear");
                Key("scaling.factor", scaling.Factor);
                break;
            case RopeScalingKind.LongRope:
                Whole("scaling.original_context_length", checked((int)scaling.OriginalContext));
                Key("scaling.attn_factor", RopeFrequencies.AttentionFactorOf(scaling, decoder.ContextLength));
                break;
            case RopeScalingKind.Yarn:
                pairs.Add(scheme.Architecture + ".rope.scaling.type", "yarn");
                Key("scaling.factor", scaling.Factor);
                Whole("scaling.original_context_length", checked((int)scaling.OriginalContext));
                Key("scaling.yarn_beta_fast", scaling.BetaFast);
                Key("scaling.yarn_beta_slow", scaling.BetaSlow);
                if (scaling.MscaleAllDim is > 0 and { } multiplier)
                {
                    Key("scaling.yarn_log_multiplier", multiplier * scheme.Rope.YarnLogMultiplierUnit);
                }

                // The key multiplies what follows from the others, which say one multiplier for both.
                double factor = RopeFrequencies.AttentionFactorOf(scaling) / RopeFrequencies.AttentionFactorOf(scaling with { AttentionFactor = null, Mscale = scaling.MscaleAllDim });
                if (Math.Abs(factor - 1) > SameFactor)
                {
                    Key("scaling.attn_factor", factor);
                }

                break;
        }

        void Key(string key, double value) => pairs.Add($"{scheme.Architecture}.rope.{key}", (float)value);

        void Whole(string key, int value) => pairs.Add($"{scheme.Architecture}.rope.{key}", value);
    }

    private static RopeSettings SettingsOf(RopeDescription rope) => rope.Settings ?? throw new InvalidOperationException("The family does not say what its rotation was computed from.");

    private static float[] Llama3Divisors(RopeSettings settings, int dimensions)
    {
        RopeScaling scaling = settings.Scaling;
        float[] divisors = new float[dimensions / 2];
        for (int i = 0; i < divisors.Length; i++)
        {
            // The formula is RopeFrequencies'.
            double wavelength = 2 * Math.PI * Math.Pow(settings.Theta, 2.0 * i / dimensions);
            double smooth = ((scaling.OriginalContext / wavelength) - scaling.LowFrequencyFactor) / (scaling.HighFrequencyFactor - scaling.LowFrequencyFactor);
            divisors[i] = (float)(1 / (((1 - Math.Clamp(smooth, 0, 1)) / scaling.Factor) + Math.Clamp(smooth, 0, 1)));
        }

        return divisors;
    }
}
