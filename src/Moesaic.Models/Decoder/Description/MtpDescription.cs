namespace Moesaic.Models.Decoder;

/// <summary>
/// A multi-token-prediction layer (DeepSeek-V3 report, section 2.2): from the main model's normed hidden state of position t
/// and the embedding of token t + 1 it predicts token t + 2.
/// u = projection(concat[embeddingNorm(embedding), hiddenNorm(hidden)]); logits = head(outputNorm(layer(u))).
/// Embedding and output head are the main model's unless the layer has its own.
/// </summary>
public sealed record MtpDescription
{
    public required NormDescription EmbeddingNorm { get; init; }

    public required NormDescription HiddenNorm { get; init; }

    /// <summary>[hidden, 2 * hidden].</summary>
    public required ProjectionDescription Projection { get; init; }

    public required LayerDescription Layer { get; init; }

    public required NormDescription OutputNorm { get; init; }

    /// <summary>[vocabulary, hidden]; null: the main model's.</summary>
    public MatrixSource? Embedding { get; init; }

    /// <summary>[vocabulary, hidden]; null: the main model's.</summary>
    public ProjectionDescription? OutputHead { get; init; }
}
