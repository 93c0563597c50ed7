using System.Collections.Immutable;
using Moesaic.Models.Configurations;

namespace Moesaic.Models.Decoder;

/// <summary>
/// A decoder-only transformer as data: everything that the loader and the executor need to know. A model family is a way to
/// make one of these from a configuration; there is one executor for all.
/// </summary>
public sealed record DecoderDescription
{
    /// <summary>The family's name, such as <c>Ling 2.0</c>.</summary>
    public required string Family { get; init; }

    /// <summary>The architecture as the checkpoint names it.</summary>
    public required string Architecture { get; init; }

    public required int HiddenSize { get; init; }

    /// <summary>Rows of the embedding and of the output head; may be more than the tokenizer has tokens (padding).</summary>
    public required int VocabularySize { get; init; }

    /// <summary>Positions that the model was made for.</summary>
    public required int ContextLength { get; init; }

    /// <summary>[vocabulary, hidden].</summary>
    public required MatrixSource Embedding { get; init; }

    /// <summary>Factor of the embedding.</summary>
    public float EmbeddingScale { get; init; } = 1;

    public required ImmutableArray<LayerDescription> Layers { get; init; }

    /// <summary>The rotary embeddings that the layers refer to.</summary>
    public required ImmutableArray<RopeDescription> Ropes { get; init; }

    /// <summary>The relative position biases that the layers refer to.</summary>
    public ImmutableArray<PositionBiasDescription> PositionBiases { get; init; } = [];

    /// <summary>The encoder under an encoder-decoder; null for a decoder alone.</summary>
    public EncoderStackDescription? Encoder { get; init; }

    /// <summary>The id that an encoder-decoder's output begins with; null where the configuration names none.</summary>
    public int? StartId { get; init; }

    public required NormDescription OutputNorm { get; init; }

    /// <summary>[vocabulary, hidden]; null when the embedding is used (tied).</summary>
    public ProjectionDescription? OutputHead { get; init; }

    /// <summary>The multi-token-prediction layers that the checkpoint holds.</summary>
    public ImmutableArray<MtpDescription> MtpLayers { get; init; } = [];

    /// <summary>Tensors that may be present and are not read.</summary>
    public ImmutableArray<IgnorableTensors> Ignorable { get; init; } = [];

    /// <summary>How the checkpoint's weights are quantised, for the loader alone; null where each tensor's own type says all.</summary>
    public QuantisationConfig? Quantisation { get; init; }

    /// <summary>Cache groups of the main layers.</summary>
    public ImmutableArray<KvGroupDescription> KvGroups => KvGroupDescription.Group(Layers);
}
