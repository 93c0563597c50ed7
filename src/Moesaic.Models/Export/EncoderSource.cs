using System.Collections.Immutable;
using Moesaic.Models.Checkpoints.Gguf;
using Moesaic.Models.Decoder;
using Moesaic.Models.Encoder;
using static Moesaic.Models.Export.DescriptionComparison;

namespace Moesaic.Models.Export;

/// <summary>An encoder to be written.</summary>
internal sealed class EncoderSource : ExportSource
{
    private const string Architecture = "bert";

    private static readonly BertNames s_names = BertNames.Gguf(fused: false);

    private readonly EncoderDescription _encoder;
    private readonly EncoderPlan _plan;

    /// <exception cref="ModelFormatException">It is no Hugging Face folder, or its tensors are not those of its configuration.</exception>
    public EncoderSource(OpenedEncoder encoder)
        : base(encoder.Location, encoder.Checkpoint, encoder.HuggingFaceConfig)
    {
        _encoder = encoder.Description;
        _plan = EncoderPlan.Create(encoder.Description, encoder.Checkpoint);
        Tensors = Walk();
    }

    public override int VocabularySize => _encoder.VocabularySize;

    public override IReadOnlyList<ExportTensor> Tensors { get; }

    public override ImmutableArray<IgnoredTensor> LeftOut => _plan.Ignored;

    public override void AddMetadata(GgufPairs pairs, int fileType)
    {
        AddGeneral(pairs, Architecture, fileType);
        EncoderLayerDescription layer = _encoder.Layers[0];
        Add("block_count", _encoder.Layers.Length);
        Add("context_length", _encoder.ContextLength);
        Add("embedding_length", _encoder.HiddenSize);
        Add("feed_forward_length", layer.Width);
        Add("attention.head_count", layer.Attention.NumHeads);
        Add("vocab_size", _encoder.VocabularySize);
        Add("pooling_type", _encoder.Pooling.Kind switch { PoolingKind.FirstToken => 2, PoolingKind.LastToken => 3, _ => 1 });
        pairs.Add(Architecture + ".attention.layer_norm_epsilon", _encoder.EmbeddingNorm.Epsilon);
        pairs.Add(Architecture + ".attention.causal", false);
        if (_encoder.TokenTypes is { } types)
        {
            pairs.Add("tokenizer.ggml.token_type_count", checked((int)types.Rows));
        }

        if (_encoder.PaddingId is { } padding && !Location.Files!.HasTokenizer)
        {
            // What tells XLM-R from BERT is part of the tokenizer's keys.
            pairs.Add("tokenizer.ggml.model", "t5");
            pairs.Add("tokenizer.ggml.padding_token_id", padding);
        }

        void Add(string key, int value) => pairs.Add($"{Architecture}.{key}", value);
    }

    public override string? FindDifference(GgufFile written)
    {
        EncoderDescription found = EncoderFamilies.Describe(written);
        _ = EncoderPlan.Create(found, written);
        return Differ("hidden size", _encoder.HiddenSize, found.HiddenSize)
            ?? Differ("rows of the vocabulary", _encoder.VocabularySize, found.VocabularySize)
            ?? Differ("context", _encoder.ContextLength, found.ContextLength)
            ?? Differ("padding", _encoder.PaddingId, found.PaddingId)
            ?? Differ("types of tokens", _encoder.TokenTypes?.Rows, found.TokenTypes?.Rows)
            ?? Differ("pooling", _encoder.Pooling, found.Pooling)
            ?? Differ("epsilon of the first norm", _encoder.EmbeddingNorm.Epsilon, found.EmbeddingNorm.Epsilon)
            ?? Differ("layers", _encoder.Layers.Length, found.Layers.Length)
            ?? _encoder.Layers.Zip(found.Layers, Layer).FirstOrDefault(difference => difference is not null);
    }

    private static string? Layer(EncoderLayerDescription a, EncoderLayerDescription b) =>
        Differ("heads", a.Attention.NumHeads, b.Attention.NumHeads)
        ?? Differ("attention scale", a.Attention.Scale, b.Attention.Scale)
        ?? Differ("width of the MLP", a.Width, b.Width)
        ?? Differ("activation", a.Activation, b.Activation)
        ?? Differ("epsilon of the norms", (a.AttentionNorm.Epsilon, a.OutputNorm.Epsilon), (b.AttentionNorm.Epsilon, b.OutputNorm.Epsilon));

    private IReadOnlyList<ExportTensor> Walk()
    {
        TensorList tensors = new();
        tensors.Matrix(s_names.Words, _encoder.Words);
        tensors.Matrix(s_names.Positions, _encoder.Positions, exact: true);
        if (_encoder.TokenTypes is { } types)
        {
            tensors.Matrix(s_names.TokenTypes, types, exact: true);
        }

        Norm(s_names.EmbeddingNorm, _encoder.EmbeddingNorm);
        for (int i = 0; i < _encoder.Layers.Length; i++)
        {
            string prefix = s_names.Layer(i);
            EncoderLayerDescription layer = _encoder.Layers[i];
            tensors.Projection(prefix + s_names.Query, layer.Attention.Input[0]);
            tensors.Projection(prefix + s_names.Key, layer.Attention.Input[1]);
            tensors.Projection(prefix + s_names.Value, layer.Attention.Input[2]);
            tensors.Projection(prefix + s_names.AttentionOutput, layer.Attention.Output);
            Norm(prefix + s_names.AttentionNorm, layer.AttentionNorm);
            tensors.Projection(prefix + s_names.Up, layer.Up);
            tensors.Projection(prefix + s_names.Down, layer.Down);
            Norm(prefix + s_names.OutputNorm, layer.OutputNorm);
        }

        return tensors.All;

        void Norm(string name, LayerNormDescription norm)
        {
            tensors.Vector(name + s_names.NormWeight, norm.Weight);
            tensors.Vector(name + s_names.NormBias, norm.Bias);
        }
    }
}
