using System.Collections.Immutable;
using Moesaic.Interop;
using Moesaic.Models.Configurations;
using Moesaic.Models.Decoder;

namespace Moesaic.Models.Families;

/// <summary>Puts a decoder of equal-shaped pre-norm layers together.</summary>
internal static class PreNormDecoder
{
    private static readonly ImmutableArray<IgnorableTensors> s_ignorable =
    [
        new("*.rotary_emb.inv_freq", "rotary frequencies, which follow from the configuration"),
        new("rope_freqs.weight", "divisors of the rotary frequencies, taken into account with the configuration"),
    ];

    public static DecoderDescription Build(string family, LayerParts parts, RopeDescription rope, Func<int, LayerDescription> layer)
    {
        DecoderShape shape = parts.Shape;
        ImmutableArray<LayerDescription>.Builder layers = ImmutableArray.CreateBuilder<LayerDescription>(shape.Layers);
        for (int i = 0; i < shape.Layers; i++)
        {
            layers.Add(layer(i));
        }

        return new DecoderDescription
        {
            Family = family,
            Architecture = shape.Architecture,
            HiddenSize = shape.Hidden,
            VocabularySize = shape.Vocabulary,
            ContextLength = shape.Context,
            Embedding = parts.Embedding(),
            Layers = layers.MoveToImmutable(),
            Ropes = [rope],
            OutputNorm = parts.OutputNorm(),
            OutputHead = parts.OutputHead(),
            Ignorable = shape.TiedEmbedding
                ? s_ignorable.Add(new IgnorableTensors(parts.Names.OutputHead + ".weight", "output head, tied to the embedding"))
                : s_ignorable,
        };
    }

    /// <summary>The rotation that <c>config.json</c> describes, with half-split pairs as Hugging Face checkpoints have them.</summary>
    public static RopeDescription Rope(HuggingFaceInput input, DecoderShape shape, double defaultTheta = 10000)
    {
        JsonConfig config = input.Config;
        RopeSettings settings = HuggingFaceRope.Read(config, defaultTheta);
        double share = config.GetDouble("partial_rotary_factor", settings.PartialRotaryFactor ?? 1);
        int dimensions = share is > 0 and <= 1 ? (int)(shape.HeadWidth * share)
            : throw config.Error("partial_rotary_factor", $"the value {share} lies outside 0 to 1.");
        return Rope(config.File, RopePairing.HalfSplit, settings, dimensions, shape.Context, []);
    }

    /// <summary>The rotation that a GGUF file describes.</summary>
    public static RopeDescription Rope(GgufInput input, DecoderShape shape, RopePairing pairing, GgufRopeRules? rules = null)
    {
        GgufConfig config = input.Config;
        RopeSettings settings = GgufRope.Read(config, input.Checkpoint, rules ?? new GgufRopeRules());
        int dimensions = config.GetInt32InRange("rope.dimension_count", 2, shape.HeadWidth, shape.HeadWidth);
        float[] divisors = GgufRope.ReadDivisors(input.Checkpoint, dimensions / 2) ?? [];
        return Rope(config.File, pairing, settings, dimensions, shape.Context, divisors);
    }

    /// <summary>The rotation of given settings.</summary>
    /// <param name="file">For messages.</param>
    /// <param name="pairing">Which channels turn together.</param>
    /// <param name="settings">Theta and scaling.</param>
    /// <param name="dimensions">Channels of a head that rotate.</param>
    /// <param name="context">Positions that the model was made for.</param>
    /// <param name="divisors">A further divisor per frequency, or none.</param>
    public static RopeDescription Rope(string file, RopePairing pairing, RopeSettings settings, int dimensions, int context, ReadOnlySpan<float> divisors = default)
    {
        RopeFrequencies frequencies = RopeFrequencies.Compute(settings, dimensions, context, file, divisors);
        RopeDescription rope = new(pairing, [.. frequencies.Inverse], frequencies.AttentionFactor) { Settings = settings };
        if (settings.Scaling is not { Kind: RopeScalingKind.LongRope, OriginalContext: double original } || context <= original)
        {
            return rope;
        }

        RopeFrequencies shorter = RopeFrequencies.Compute(settings, dimensions, (long)original, file, divisors);
        return rope with { Original = new OriginalRope((int)original, [.. shorter.Inverse], shorter.AttentionFactor) };
    }
}
