using System.Collections.Immutable;
using Moesaic.Interop;
using Moesaic.Models.Configurations;
using Moesaic.Models.Decoder;

namespace Moesaic.Models.Families;

/// <summary>Builds multi-head latent attention from its widths and the checkpoint's tensor names.</summary>
internal static class LatentParts
{
    /// <param name="parts">Names and sizes of the decoder.</param>
    /// <param name="layer">Index of the layer.</param>
    /// <param name="shape">Widths.</param>
    /// <param name="softmaxFactor">What rope scaling multiplies the usual scale with.</param>
    /// <param name="bias">Whether the maps from and to the hidden width have biases.</param>
    /// <param name="hasTensor">Whether the checkpoint has a tensor.</param>
    public static AttentionDescription LatentAttention(this LayerParts parts, int layer, LatentShape shape, float softmaxFactor, bool bias, Func<string, bool> hasTensor)
    {
        int heads = parts.Shape.Heads;
        int hidden = parts.Shape.Hidden;
        TensorNames names = parts.Names;
        long queryRows = (long)heads * shape.QueryWidth;
        (MatrixSource absorbed, MatrixSource expanded, MatrixSource value) = HeadMaps(parts, layer, shape, hasTensor);
        return new AttentionDescription
        {
            NumHeads = heads,
            NumKeyValueHeads = 1,
            KeyWidth = shape.LatentWidth + shape.RotatedWidth,
            ValueWidth = shape.ValueWidth,
            Scale = (float)(softmaxFactor / Math.Sqrt(shape.QueryWidth)),
            Input = [],
            Output = parts.Projection(layer, names.AttentionOutput, hidden, (long)heads * shape.ValueWidth, bias),
            Latent = new LatentAttentionDescription
            {
                LatentWidth = shape.LatentWidth,
                RotatedWidth = shape.RotatedWidth,
                PlainWidth = shape.PlainWidth,
                QueryDown = shape.QueryRank > 0 ? parts.Projection(layer, names.QueryDown, shape.QueryRank, hidden, bias) : null,
                QueryNorm = shape.QueryRank > 0 ? Norm(parts, layer, names.QueryDownNorm, shape.QueryRank, shape) : null,
                Query = shape.QueryRank > 0
                    ? parts.Projection(layer, names.QueryUp, queryRows, shape.QueryRank)
                    : parts.Projection(layer, names.Query, queryRows, hidden),
                Down = parts.Projection(layer, names.LatentDown, shape.LatentWidth + shape.RotatedWidth, hidden, bias),
                LatentNorm = Norm(parts, layer, names.LatentNorm, shape.LatentWidth, shape),
                AbsorbedKey = absorbed,
                ExpandedKey = expanded,
                Value = value,
            },
        };
    }

    /// <summary>The rotation of latent attention, over the rotated channels alone, and what it multiplies the softmax scale with.</summary>
    public static (RopeDescription Rope, float SoftmaxFactor) Rope(RopeSettings settings, LatentShape shape, DecoderShape decoder, ConfigReader config, RopePairing pairing, ReadOnlySpan<float> divisors = default)
    {
        if (settings.PartialRotaryFactor is not (null or 1))
        {
            throw config.Error("partial_rotary_factor", $"the value {settings.PartialRotaryFactor} is not supported for this model; expected 1.");
        }

        RopeFrequencies frequencies = RopeFrequencies.Compute(settings, shape.RotatedWidth, decoder.Context, config.File, divisors);
        return (new RopeDescription(pairing, [.. frequencies.Inverse], frequencies.AttentionFactor) { Settings = settings }, frequencies.SoftmaxScaleFactor);
    }

    // One tensor [heads * (plain + value), latent], or, in newer GGUF files, the transposed keys and the values apart.
    private static (MatrixSource Absorbed, MatrixSource Expanded, MatrixSource Value) HeadMaps(LayerParts parts, int layer, LatentShape shape, Func<string, bool> hasTensor)
    {
        int heads = parts.Shape.Heads;
        string prefix = parts.Prefix(layer);
        if (parts.Names.LatentKeyUp is { } keyUp && hasTensor(prefix + keyUp + ".weight"))
        {
            string key = prefix + keyUp + ".weight";
            return (
                MatrixSource.Stacked(key, heads, shape.LatentWidth, shape.PlainWidth),
                MatrixSource.Heads(key, [heads, shape.LatentWidth, shape.PlainWidth], heads, shape.LatentWidth, 0, shape.LatentWidth, turned: true),
                MatrixSource.Stacked(prefix + parts.Names.LatentValueUp + ".weight", heads, shape.ValueWidth, shape.LatentWidth));
        }

        string both = prefix + parts.Names.LatentUp + ".weight";
        int headRows = shape.PlainWidth + shape.ValueWidth;
        ImmutableArray<long> tensorShape = [(long)heads * headRows, shape.LatentWidth];
        return (
            MatrixSource.Heads(both, tensorShape, heads, headRows, 0, shape.PlainWidth, turned: true),
            MatrixSource.Heads(both, tensorShape, heads, headRows, 0, shape.PlainWidth),
            MatrixSource.Heads(both, tensorShape, heads, headRows, shape.PlainWidth, shape.ValueWidth));
    }

    private static NormDescription Norm(LayerParts parts, int layer, string name, int width, LatentShape shape) =>
        new(VectorSource.Whole(parts.Prefix(layer) + name + ".weight", width), shape.NormEpsilon);
}
