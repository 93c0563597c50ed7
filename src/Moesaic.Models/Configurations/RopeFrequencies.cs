namespace Moesaic.Models.Configurations;

/// <summary>
/// The rotary frequencies of a model: channel pair i turns by position * <see cref="Inverse"/>[i] radians, and cos and
/// sin are multiplied by <see cref="AttentionFactor"/>. Computed in float64, rounded once.
/// </summary>
/// <remarks>
/// Formulas: RoPE arXiv:2104.09864; YaRN arXiv:2309.00071 (sections 3.2 and 3.4); LongRoPE arXiv:2402.13753; llama3
/// scaling as published with Llama 3.1; the DeepSeek forms of the attention factor as published with DeepSeek-V2.
/// </remarks>
public sealed class RopeFrequencies
{
    private RopeFrequencies(float[] inverse, float attentionFactor, float softmaxScaleFactor)
    {
        Inverse = inverse;
        AttentionFactor = attentionFactor;
        SoftmaxScaleFactor = softmaxScaleFactor;
    }

    /// <summary>Radians per position for each pair of channels; half as many as rotating channels.</summary>
    public float[] Inverse { get; }

    /// <summary>Multiplies cos and sin; 1 where there is no YaRN or longrope.</summary>
    public float AttentionFactor { get; }

    /// <summary>
    /// Multiplies the softmax scale in the families that take it from rope scaling (multi-head latent attention with
    /// <c>mscale_all_dim</c>); the others ignore it. 1 without that key.
    /// </summary>
    public float SoftmaxScaleFactor { get; }

    /// <param name="settings">What the configuration says.</param>
    /// <param name="rotaryDimensions">Channels of a head that rotate; even.</param>
    /// <param name="contextLength">The longest sequence that will be run, in tokens; chooses between longrope's sets once and for all.</param>
    /// <param name="file">For messages.</param>
    /// <param name="divisors">A further divisor per frequency (GGUF's <c>rope_freqs</c>), or null.</param>
    /// <exception cref="ModelFormatException">The number of rotating channels is odd, or that of divisors does not match it.</exception>
    public static RopeFrequencies Compute(RopeSettings settings, int rotaryDimensions, long contextLength, string file, ReadOnlySpan<float> divisors = default)
    {
        ArgumentNullException.ThrowIfNull(settings);
        if (rotaryDimensions <= 0 || rotaryDimensions % 2 != 0)
        {
            throw new ModelFormatException(file, "rope", $"{rotaryDimensions} channels of a head rotate; expected a positive even number.");
        }

        RopeScaling scaling = settings.Scaling;
        double[] frequencies = new double[rotaryDimensions / 2];
        for (int i = 0; i < frequencies.Length; i++)
        {
            frequencies[i] = Math.Pow(settings.Theta, -2.0 * i / rotaryDimensions);
        }

        switch (scaling.Kind)
        {
            case RopeScalingKind.Linear:
                Divide(frequencies, scaling.Factor);
                break;
            case RopeScalingKind.Llama3:
                ApplyLlama3(frequencies, scaling);
                break;
            case RopeScalingKind.Yarn:
                ApplyYarn(frequencies, settings.Theta, rotaryDimensions, scaling);
                break;
            case RopeScalingKind.LongRope:
                Divide(frequencies, contextLength > scaling.OriginalContext ? scaling.LongFactors : scaling.ShortFactors, file);
                break;
        }

        if (!divisors.IsEmpty)
        {
            Divide(frequencies, Array.ConvertAll(divisors.ToArray(), d => (double)d), file);
        }

        double softmax = scaling.Kind == RopeScalingKind.Yarn && scaling.MscaleAllDim is { } all ? Math.Pow(LogScale(scaling.Factor, all), 2) : 1;
        return new RopeFrequencies(Array.ConvertAll(frequencies, f => (float)f), (float)AttentionFactorOf(scaling, contextLength), (float)softmax);
    }

    /// <summary>What cos and sin are multiplied by.</summary>
    internal static double AttentionFactorOf(RopeScaling scaling, long contextLength = 0)
    {
        switch (scaling.Kind)
        {
            case RopeScalingKind.Yarn when scaling.AttentionFactor is { } given:
                return given;
            case RopeScalingKind.Yarn when scaling is { Mscale: > 0, MscaleAllDim: > 0 }:
                return LogScale(scaling.Factor, scaling.Mscale.Value) / LogScale(scaling.Factor, scaling.MscaleAllDim.Value);
            case RopeScalingKind.Yarn:
                return LogScale(scaling.Factor, 1);
            case RopeScalingKind.LongRope when (contextLength > scaling.OriginalContext ? scaling.LongMscale : scaling.ShortMscale) is { } given:
                return given;
            case RopeScalingKind.LongRope when scaling.AttentionFactor is { } given:
                return given;
            case RopeScalingKind.LongRope when scaling.Factor > 1:
                return Math.Sqrt(1 + (Math.Log(scaling.Factor) / Math.Log(scaling.OriginalContext)));
            default:
                return 1;
        }
    }

    /// <summary>YaRN's g(s, m): 1 for s up to 1, else 0.1 m ln s + 1.</summary>
    internal static double LogScale(double factor, double multiplier) => factor <= 1 ? 1 : (0.1 * multiplier * Math.Log(factor)) + 1;

    /// <summary>The (fractional) index of the frequency that makes <paramref name="rotations"/> turns within the original context.</summary>
    internal static double YarnCorrection(double rotations, int dimensions, double theta, double originalContext) =>
        dimensions * Math.Log(originalContext / (2 * Math.PI * rotations)) / (2 * Math.Log(theta));

    private static void ApplyLlama3(double[] frequencies, RopeScaling scaling)
    {
        for (int i = 0; i < frequencies.Length; i++)
        {
            double wavelength = 2 * Math.PI / frequencies[i];
            if (wavelength > scaling.OriginalContext / scaling.LowFrequencyFactor)
            {
                frequencies[i] /= scaling.Factor;
            }
            else if (wavelength >= scaling.OriginalContext / scaling.HighFrequencyFactor)
            {
                double smooth = ((scaling.OriginalContext / wavelength) - scaling.LowFrequencyFactor) / (scaling.HighFrequencyFactor - scaling.LowFrequencyFactor);
                frequencies[i] = ((1 - smooth) * frequencies[i] / scaling.Factor) + (smooth * frequencies[i]);
            }
        }
    }

    private static void ApplyYarn(double[] frequencies, double theta, int dimensions, RopeScaling scaling)
    {
        double low = YarnCorrection(scaling.BetaFast, dimensions, theta, scaling.OriginalContext);
        double high = YarnCorrection(scaling.BetaSlow, dimensions, theta, scaling.OriginalContext);
        if (scaling.Truncate)
        {
            low = Math.Floor(low);
            high = Math.Ceiling(high);
        }

        low = Math.Max(low, 0);
        high = Math.Min(high, dimensions - 1);
        if (low == high)
        {
            high += 0.001;
        }

        for (int i = 0; i < frequencies.Length; i++)
        {
            double interpolated = Math.Clamp((i - low) / (high - low), 0, 1);
            frequencies[i] = (frequencies[i] / scaling.Factor * interpolated) + (frequencies[i] * (1 - interpolated));
        }
    }

    private static void Divide(double[] frequencies, double divisor)
    {
        for (int i = 0; i < frequencies.Length; i++)
        {
            frequencies[i] /= divisor;
        }
    }

    private static void Divide(double[] frequencies, IReadOnlyList<double> divisors, string file)
    {
        if (divisors.Count != frequencies.Length)
        {
            throw new ModelFormatException(file, "rope", $"there are {divisors.Count} frequency factors; expected one for each of the {frequencies.Length} rotating pairs.");
        }

        for (int i = 0; i < frequencies.Length; i++)
        {
            frequencies[i] /= divisors[i];
        }
    }
}
