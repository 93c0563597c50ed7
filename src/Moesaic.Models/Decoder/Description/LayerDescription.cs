namespace Moesaic.Models.Decoder;

/// <summary>
/// A pre-norm decoder layer: h = x + attention(norm(x)); y = h + feedForward(norm(h)). With post-norms the outputs of attention
/// and feed-forward are normed before they are added. Under an encoder its output is attended to between the two.
/// </summary>
public sealed record LayerDescription
{
    public required NormDescription AttentionNorm { get; init; }

    public required AttentionDescription Attention { get; init; }

    /// <summary>Optional norm of the attention's output (Gemma).</summary>
    public NormDescription? AttentionPostNorm { get; init; }

    /// <summary>Attention over an encoder's output; null in a decoder alone.</summary>
    public CrossAttentionDescription? CrossAttention { get; init; }

    public required NormDescription FeedForwardNorm { get; init; }

    public required FeedForwardDescription FeedForward { get; init; }

    /// <summary>Optional norm of the feed-forward's output (Gemma).</summary>
    public NormDescription? FeedForwardPostNorm { get; init; }
}
