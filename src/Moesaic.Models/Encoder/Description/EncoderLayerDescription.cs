using Moesaic.Models.Decoder;

namespace Moesaic.Models.Encoder;

/// <summary>
/// A post-norm layer: a = attentionNorm(x + attention(x)); y = outputNorm(a + down(act(up a))). Attention is bidirectional.
/// </summary>
public sealed record EncoderLayerDescription
{
    public required AttentionDescription Attention { get; init; }

    public required LayerNormDescription AttentionNorm { get; init; }

    public required ProjectionDescription Up { get; init; }

    public required ProjectionDescription Down { get; init; }

    public required EncoderActivation Activation { get; init; }

    public required LayerNormDescription OutputNorm { get; init; }

    /// <summary>Rows of <see cref="Up"/>.</summary>
    public int Width => checked((int)Up.Weight.Rows);
}
