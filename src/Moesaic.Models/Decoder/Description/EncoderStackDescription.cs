using System.Collections.Immutable;

namespace Moesaic.Models.Decoder;

/// <summary>
/// The encoder of an encoder-decoder: pre-norm layers with bidirectional attention over the whole input, whose normed output the
/// decoder's layers attend to. The embedding is the decoder's.
/// </summary>
public sealed record EncoderStackDescription
{
    public required ImmutableArray<LayerDescription> Layers { get; init; }

    public required NormDescription OutputNorm { get; init; }
}
