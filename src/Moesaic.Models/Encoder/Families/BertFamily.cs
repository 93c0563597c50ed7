using System.Collections.Immutable;
using Moesaic.Models.Checkpoints;
using Moesaic.Models.Configurations;
using Moesaic.Models.Decoder;
using Moesaic.Models.Families;

namespace Moesaic.Models.Encoder;

/// <summary>
/// BERT and its likes (Devlin et al. 2018; RoBERTa, Liu et al. 2019; XLM-R, Conneau et al. 2019): post-norm layers, learned
/// positions, token types. MiniLM and the English E5 are BERT; the multilingual E5 is XLM-R. What sets XLM-R apart: positions
/// are counted from the row after the padding id's, and padding has no position.
/// </summary>
internal sealed class BertFamily(string name, ImmutableArray<string> architectures, ImmutableArray<string> modelTypes, ImmutableArray<string> prefixes, bool positionsAfterPadding)
{
    private static readonly ImmutableArray<string> s_heads = ["cls.*", "lm_head.*", "pooler.*", "bert.pooler.*", "roberta.pooler.*", "*embeddings.position_ids", "*embeddings.token_type_ids"];

    public string Name => name;

    public ImmutableArray<string> Architectures => architectures;

    public ImmutableArray<string> ModelTypes => modelTypes;

    public EncoderDescription Describe(HuggingFaceInput input)
    {
        JsonConfig s = input.Config;
        int hidden = s.GetInt32InRange("hidden_size", 1, Limits.Hidden);
        int heads = s.GetInt32InRange("num_attention_heads", 1, Limits.Heads);
        s.RequireMultiple("hidden_size", hidden, "num_attention_heads", heads);
        s.RequireBoolean("is_decoder", false);
        s.RequireString("position_embedding_type", "absolute");
        s.Ignore("classifier_dropout", "tie_word_embeddings", "output_past", "directionality", "pooler_fc_size", "pooler_num_attention_heads", "pooler_num_fc_layers", "pooler_size_per_head", "pooler_type");
        int rows = s.GetInt32InRange("max_position_embeddings", 1, Limits.Context);
        int? padding = positionsAfterPadding ? s.GetInt32InRange("pad_token_id", 0, rows - 2, 1) : null;
        int first = padding is { } id ? id + 1 : 0;
        int vocabulary = s.GetInt32InRange("vocab_size", 1, Limits.Vocabulary);
        int types = s.GetInt32InRange("type_vocab_size", 0, Limits.Vocabulary, 2);
        string prefix = prefixes.FirstOrDefault(p => input.HasTensor(p + "embeddings.word_embeddings.weight")) ?? prefixes[0];
        BertNames names = BertNames.HuggingFace(prefix, oldNorms: input.HasTensor(prefix + "embeddings.LayerNorm.gamma"));
        BertShape shape = new()
        {
            Hidden = hidden,
            Layers = s.GetInt32InRange("num_hidden_layers", 1, Limits.Layers),
            Heads = heads,
            Intermediate = s.GetInt32InRange("intermediate_size", 1, Limits.Intermediate),
            Epsilon = (float)s.GetPositive("layer_norm_eps"),
            Activation = Activation(s),
        };
        input.RequireAllRead();
        return new EncoderDescription
        {
            Family = name,
            Architecture = input.Architecture,
            HiddenSize = hidden,
            VocabularySize = vocabulary,
            ContextLength = rows - first,
            Words = MatrixSource.Whole(names.Words, vocabulary, hidden),
            Positions = MatrixSource.RowsOf(names.Positions, rows, hidden, first, rows - first),
            TokenTypes = types > 0 ? MatrixSource.Whole(names.TokenTypes, types, hidden) : null,
            EmbeddingNorm = shape.Norm(names.EmbeddingNorm, names),
            Layers = shape.Describe(names),
            PaddingId = padding,
            Ignorable = [.. s_heads.Select(h => new IgnorableTensors(h, "not needed for embeddings"))],
        };
    }

    /// <summary>What a GGUF file says; it has no rows of positions that no token uses.</summary>
    public static EncoderDescription Describe(GgufInput input)
    {
        GgufConfig s = input.Config;
        int hidden = s.GetInt32InRange("embedding_length", 1, Limits.Hidden);
        int layers = s.GetInt32InRange("block_count", 1, Limits.Layers);
        int heads = s.TryGetUniform("attention.head_count", layers, 1, Limits.Heads) ?? throw s.Error("attention.head_count", "this key is missing; expected an integer.");
        s.RequireMultiple("embedding_length", hidden, "attention.head_count", heads);
        s.RequireNumber("attention.head_count_kv", heads);
        s.RequireBoolean("attention.causal", false);
        int rows = Rows(input.Checkpoint.GetTensor("position_embd.weight"), hidden);
        int context = s.GetInt32InRange("context_length", 1, Limits.Context, rows);
        int vocabulary = input.VocabularySize();
        BertNames names = BertNames.Gguf(input.HasTensor("blk.0.attn_qkv.weight"));
        BertShape shape = new()
        {
            Hidden = hidden,
            Layers = layers,
            Heads = heads,
            Intermediate = s.TryGetUniform("feed_forward_length", layers, 1, Limits.Intermediate) ?? throw s.Error("feed_forward_length", "this key is missing; expected an integer."),
            Epsilon = (float)s.GetPositive("attention.layer_norm_epsilon"),
            Activation = EncoderActivation.Gelu,
        };
        bool isUnigram = s.Metadata.TryGetString("tokenizer.ggml.model", out string? tokenizer) && tokenizer == "t5";
        PoolingDescription pooling = Pooling(s);
        input.RequireAllRead();
        return new EncoderDescription
        {
            Family = isUnigram ? "XLM-R" : "BERT",
            Architecture = input.Architecture,
            HiddenSize = hidden,
            VocabularySize = vocabulary,
            ContextLength = Math.Min(rows, context),
            Words = MatrixSource.Whole(names.Words, vocabulary, hidden),
            Positions = MatrixSource.Whole(names.Positions, rows, hidden),
            TokenTypes = input.Checkpoint.TryGetTensor(names.TokenTypes, out CheckpointTensor? types) ? MatrixSource.Whole(names.TokenTypes, Math.Max(1, types.ElementCount / hidden), hidden) : null,
            EmbeddingNorm = shape.Norm(names.EmbeddingNorm, names),
            Layers = shape.Describe(names),
            Pooling = pooling,
            PaddingId = isUnigram && s.Metadata.TryGetInt64("tokenizer.ggml.padding_token_id", out long id) ? (int)id : null,
            Ignorable = [new("cls*", "not needed for embeddings")],
        };
    }

    private static int Rows(CheckpointTensor positions, int hidden) => positions.Shape is [>= 1 and <= Limits.Context, _] ? (int)positions.Shape[0]
        : throw new ModelFormatException(positions.File.Path, positions.Name, $"its shape is [{string.Join(", ", positions.Shape)}]; expected [positions, {hidden}].");

    private static EncoderActivation Activation(JsonConfig config) => config.GetString("hidden_act", "gelu") switch
    {
        "gelu" or "gelu_python" => EncoderActivation.Gelu,
        "gelu_new" or "gelu_pytorch_tanh" => EncoderActivation.GeluTanh,
        string other => throw config.Error("hidden_act", $"the value '{other}' is not supported for encoders; expected gelu, gelu_new or gelu_pytorch_tanh."),
    };

    // 0: none said. 4 ranks pairs of texts, which is no embedding.
    private static PoolingDescription Pooling(GgufConfig config) => config.GetInt32InRange("pooling_type", 0, 4, 0) switch
    {
        2 => new PoolingDescription(PoolingKind.FirstToken, true),
        3 => new PoolingDescription(PoolingKind.LastToken, true),
        4 => throw config.Error("pooling_type", "the value 4 (rank) is not supported: the model scores pairs of texts; expected 1 (mean), 2 (cls) or 3 (last)."),
        _ => PoolingDescription.Default,
    };
}
