namespace Moesaic.Models.Decoder;

/// <summary>A pre-norm decoder layer: h = x + attention(norm(x)); y = h + feedForward(norm(h)).</summary>
public sealed record LayerDescription
{
    public required NormDescription AttentionNorm { get; init; }

    public required AttentionDescription Attention { get; init; }

    public required NormDescription FeedForwardNorm { get; init; }

    public required FeedForwardDescription FeedForward { get; init; }
}
