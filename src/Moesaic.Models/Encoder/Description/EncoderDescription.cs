using System.Collections.Immutable;
using Moesaic.Models.Configurations;
using Moesaic.Models.Decoder;

namespace Moesaic.Models.Encoder;

/// <summary>
/// A bidirectional transformer that makes embeddings, as data: words + positions + token types, LayerNorm, post-norm layers,
/// pooling. A family is a way to make one of these from a configuration; there is one executor for all.
/// </summary>
public sealed record EncoderDescription
{
    /// <summary>The family's name, such as <c>BERT</c>.</summary>
    public required string Family { get; init; }

    /// <summary>The architecture as the checkpoint names it.</summary>
    public required string Architecture { get; init; }

    public required int HiddenSize { get; init; }

    public required int VocabularySize { get; init; }

    /// <summary>Most tokens of one text: the learned positions.</summary>
    public required int ContextLength { get; init; }

    /// <summary>[vocabulary, hidden].</summary>
    public required MatrixSource Words { get; init; }

    /// <summary>[context, hidden]; row i belongs to the token at index i.</summary>
    public required MatrixSource Positions { get; init; }

    /// <summary>[types, hidden], of which a text that stands alone uses the first; null without.</summary>
    public MatrixSource? TokenTypes { get; init; }

    public required LayerNormDescription EmbeddingNorm { get; init; }

    public required ImmutableArray<EncoderLayerDescription> Layers { get; init; }

    /// <summary>How the tokens' vectors become one.</summary>
    public PoolingDescription Pooling { get; init; } = PoolingDescription.Default;

    /// <summary>An id that has no position of its own, so that it cannot be part of a text (XLM-R); null: none.</summary>
    public int? PaddingId { get; init; }

    /// <summary>Tensors that may be present and are not read.</summary>
    public ImmutableArray<IgnorableTensors> Ignorable { get; init; } = [];

    /// <summary>How the checkpoint's matrices are quantised; null: as their types say.</summary>
    public QuantisationConfig? Quantisation { get; init; }

    /// <summary>Every weight, in the order of the forward pass.</summary>
    public IEnumerable<MatrixSource> Matrices =>
    [
        Words, Positions, .. TokenTypes is null ? [] : new[] { TokenTypes },
        .. Layers.SelectMany(l => l.Attention.Input.Select(p => p.Weight).Concat([l.Attention.Output.Weight, l.Up.Weight, l.Down.Weight])),
    ];

    /// <summary>Every vector.</summary>
    public IEnumerable<VectorSource> Vectors => new[] { EmbeddingNorm }.Concat(Layers.SelectMany(l => new[] { l.AttentionNorm, l.OutputNorm }))
        .SelectMany(n => new[] { n.Weight, n.Bias })
        .Concat(Layers.SelectMany(l => l.Attention.Input.Concat([l.Attention.Output, l.Up, l.Down]).Select(p => p.Bias)))
        .OfType<VectorSource>();
}
