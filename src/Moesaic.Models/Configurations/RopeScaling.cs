namespace Moesaic.Models.Configurations;

/// <summary>The parameters of rope scaling, whichever file they come from. Only those of the kind are meaningful.</summary>
public sealed record RopeScaling
{
    /// <summary>No scaling.</summary>
    public static RopeScaling None { get; } = new();

    public RopeScalingKind Kind { get; init; }

    /// <summary>How many times longer the context became.</summary>
    public double Factor { get; init; } = 1;

    /// <summary>The context that the model was first trained on, in tokens.</summary>
    public double OriginalContext { get; init; }

    /// <summary>Llama 3: wavelengths longer than OriginalContext / LowFrequencyFactor are divided.</summary>
    public double LowFrequencyFactor { get; init; } = 1;

    /// <summary>Llama 3: wavelengths shorter than OriginalContext / HighFrequencyFactor are kept.</summary>
    public double HighFrequencyFactor { get; init; } = 4;

    /// <summary>YaRN: rotations within the original context above which a frequency is kept.</summary>
    public double BetaFast { get; init; } = 32;

    /// <summary>YaRN: rotations within the original context below which a frequency is divided.</summary>
    public double BetaSlow { get; init; } = 1;

    /// <summary>YaRN: whether the ends of the blend are rounded outwards to whole frequencies.</summary>
    public bool Truncate { get; init; } = true;

    /// <summary>What cos and sin are multiplied by, where the file gives it; else it follows from the other values.</summary>
    public double? AttentionFactor { get; init; }

    /// <summary>YaRN as DeepSeek writes it; null where absent.</summary>
    public double? Mscale { get; init; }

    /// <summary>YaRN as DeepSeek writes it; null where absent.</summary>
    public double? MscaleAllDim { get; init; }

    /// <summary>LongRope: divisors for contexts up to the original one; one per frequency.</summary>
    public IReadOnlyList<double> ShortFactors { get; init; } = [];

    /// <summary>LongRope: divisors for longer contexts.</summary>
    public IReadOnlyList<double> LongFactors { get; init; } = [];

    /// <summary>LongRope: attention factors of the two sets, where given apart.</summary>
    public double? ShortMscale { get; init; }

    /// <inheritdoc cref="ShortMscale"/>
    public double? LongMscale { get; init; }
}
