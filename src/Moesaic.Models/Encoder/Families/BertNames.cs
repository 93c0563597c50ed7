using System.Globalization;

namespace Moesaic.Models.Encoder;

/// <summary>How a checkpoint names the tensors of a BERT; parts of a layer follow the layer's prefix.</summary>
internal sealed record BertNames
{
    public required string Words { get; init; }

    public required string Positions { get; init; }

    public required string TokenTypes { get; init; }

    public required string EmbeddingNorm { get; init; }

    /// <summary>Before and after the layer's number.</summary>
    public required (string Before, string After) LayerPrefix { get; init; }

    public string NormWeight { get; init; } = ".weight";

    public string NormBias { get; init; } = ".bias";

    public string Query { get; init; } = "attention.self.query";

    public string Key { get; init; } = "attention.self.key";

    public string Value { get; init; } = "attention.self.value";

    /// <summary>[all queries | all keys | all values]; null where they are apart.</summary>
    public string? FusedQueryKeyValue { get; init; }

    public string AttentionOutput { get; init; } = "attention.output.dense";

    public string AttentionNorm { get; init; } = "attention.output.LayerNorm";

    public string Up { get; init; } = "intermediate.dense";

    public string Down { get; init; } = "output.dense";

    public string OutputNorm { get; init; } = "output.LayerNorm";

    public string Layer(int index) => LayerPrefix.Before + index.ToString(CultureInfo.InvariantCulture) + LayerPrefix.After;

    /// <param name="prefix">Before every name: the model within a model with heads.</param>
    /// <param name="oldNorms">Whether norms are named gamma and beta, as converted TensorFlow checkpoints do.</param>
    public static BertNames HuggingFace(string prefix, bool oldNorms) => new()
    {
        Words = prefix + "embeddings.word_embeddings.weight",
        Positions = prefix + "embeddings.position_embeddings.weight",
        TokenTypes = prefix + "embeddings.token_type_embeddings.weight",
        EmbeddingNorm = prefix + "embeddings.LayerNorm",
        LayerPrefix = (prefix + "encoder.layer.", "."),
        NormWeight = oldNorms ? ".gamma" : ".weight",
        NormBias = oldNorms ? ".beta" : ".bias",
    };

    public static BertNames Gguf(bool fused) => new()
    {
        Words = "token_embd.weight",
        Positions = "position_embd.weight",
        TokenTypes = "token_types.weight",
        EmbeddingNorm = "token_embd_norm",
        LayerPrefix = ("blk.", "."),
        Query = "attn_q",
        Key = "attn_k",
        Value = "attn_v",
        FusedQueryKeyValue = fused ? "attn_qkv" : null,
        AttentionOutput = "attn_output",
        AttentionNorm = "attn_output_norm",
        Up = "ffn_up",
        Down = "ffn_down",
        OutputNorm = "layer_output_norm",
    };
}
