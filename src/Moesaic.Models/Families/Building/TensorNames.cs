namespace Moesaic.Models.Families;

/// <summary>
/// How a checkpoint names its tensors. Layer parts follow the layer's prefix; <c>.weight</c> or <c>.bias</c> is appended.
/// A family whose names differ says so with <c>with</c>.
/// </summary>
internal sealed record TensorNames
{
    public string Embedding { get; init; } = "model.embed_tokens";

    public string OutputNorm { get; init; } = "model.norm";

    public string OutputHead { get; init; } = "lm_head";

    /// <summary>{0} is the layer.</summary>
    public string LayerPrefix { get; init; } = "model.layers.{0}.";

    public string AttentionNorm { get; init; } = "input_layernorm";

    public string Query { get; init; } = "self_attn.q_proj";

    public string Key { get; init; } = "self_attn.k_proj";

    public string Value { get; init; } = "self_attn.v_proj";

    /// <summary>[all queries | all keys | all values].</summary>
    public string FusedQueryKeyValue { get; init; } = "self_attn.qkv_proj";

    public string AttentionOutput { get; init; } = "self_attn.o_proj";

    /// <summary>Full name after the layer's prefix.</summary>
    public string Sinks { get; init; } = "self_attn.sinks";

    public string QueryNorm { get; init; } = "self_attn.q_norm";

    public string KeyNorm { get; init; } = "self_attn.k_norm";

    public string QueryDown { get; init; } = "self_attn.q_a_proj";

    public string QueryDownNorm { get; init; } = "self_attn.q_a_layernorm";

    public string QueryUp { get; init; } = "self_attn.q_b_proj";

    /// <summary>[latent | rotated key].</summary>
    public string LatentDown { get; init; } = "self_attn.kv_a_proj_with_mqa";

    public string LatentNorm { get; init; } = "self_attn.kv_a_layernorm";

    /// <summary>By head [keys | values] of the latent.</summary>
    public string LatentUp { get; init; } = "self_attn.kv_b_proj";

    /// <summary>By head the keys' map alone, transposed; null where the format has none.</summary>
    public string? LatentKeyUp { get; init; }

    public string? LatentValueUp { get; init; }

    public string FeedForwardNorm { get; init; } = "post_attention_layernorm";

    /// <summary>Norms of the outputs of attention and feed-forward; null where the family has none.</summary>
    public string? AttentionPostNorm { get; init; }

    public string? FeedForwardPostNorm { get; init; }

    public string Gate { get; init; } = "mlp.gate_proj";

    public string Up { get; init; } = "mlp.up_proj";

    public string Down { get; init; } = "mlp.down_proj";

    /// <summary>[gate | up] of a dense MLP; null where they are stored apart.</summary>
    public string? FusedGateUp { get; init; }

    public string Router { get; init; } = "mlp.gate";

    /// <summary>Full name after the layer's prefix.</summary>
    public string SelectionBias { get; init; } = "mlp.gate.e_score_correction_bias";

    /// <summary>One tensor an expert; {0} is the expert. Null where the format always stacks.</summary>
    public string? ExpertGate { get; init; } = "mlp.experts.{0}.gate_proj";

    public string? ExpertUp { get; init; } = "mlp.experts.{0}.up_proj";

    public string? ExpertDown { get; init; } = "mlp.experts.{0}.down_proj";

    /// <summary>Stack [experts, 2 * width, hidden], gate rows first, without a suffix (transformers 5); null where the format has none.</summary>
    public string? StackedGateUp { get; init; } = "mlp.experts.gate_up_proj";

    /// <summary>Stack [experts, hidden, width] beside <see cref="StackedGateUp"/>, without a suffix.</summary>
    public string? StackedGateUpDown { get; init; } = "mlp.experts.down_proj";

    /// <summary>Stack [experts, width, hidden]; null where the format has none.</summary>
    public string? StackedGate { get; init; }

    public string? StackedUp { get; init; }

    public string? StackedDown { get; init; }

    public string SharedGate { get; init; } = "mlp.shared_experts.gate_proj";

    public string SharedUp { get; init; } = "mlp.shared_experts.up_proj";

    public string SharedDown { get; init; } = "mlp.shared_experts.down_proj";

    public string MtpEmbeddingNorm { get; init; } = "enorm";

    public string MtpHiddenNorm { get; init; } = "hnorm";

    public string MtpProjection { get; init; } = "eh_proj";

    public string MtpOutputNorm { get; init; } = "final_layernorm";

    /// <summary>A prediction layer's own embedding and head, where it has them.</summary>
    public string MtpEmbedding { get; init; } = "embed_tokens";

    public string MtpOutputHead { get; init; } = "shared_head.head";

    /// <summary>The names that most Hugging Face checkpoints use.</summary>
    public static TensorNames HuggingFace { get; } = new();

    /// <summary>The names of GGUF files.</summary>
    public static TensorNames Gguf { get; } = new()
    {
        Embedding = "token_embd",
        OutputNorm = "output_norm",
        OutputHead = "output",
        LayerPrefix = "blk.{0}.",
        AttentionNorm = "attn_norm",
        Query = "attn_q",
        Key = "attn_k",
        Value = "attn_v",
        FusedQueryKeyValue = "attn_qkv",
        AttentionOutput = "attn_output",
        Sinks = "attn_sinks.weight",
        QueryNorm = "attn_q_norm",
        KeyNorm = "attn_k_norm",
        QueryDown = "attn_q_a",
        QueryDownNorm = "attn_q_a_norm",
        QueryUp = "attn_q_b",
        LatentDown = "attn_kv_a_mqa",
        LatentNorm = "attn_kv_a_norm",
        LatentUp = "attn_kv_b",
        LatentKeyUp = "attn_k_b",
        LatentValueUp = "attn_v_b",
        FeedForwardNorm = "ffn_norm",
        Gate = "ffn_gate",
        Up = "ffn_up",
        Down = "ffn_down",
        Router = "ffn_gate_inp",
        SelectionBias = "exp_probs_b.bias",
        ExpertGate = "ffn_gate.{0}",
        ExpertUp = "ffn_up.{0}",
        ExpertDown = "ffn_down.{0}",
        StackedGateUp = null,
        StackedGateUpDown = null,
        StackedGate = "ffn_gate_exps",
        StackedUp = "ffn_up_exps",
        StackedDown = "ffn_down_exps",
        SharedGate = "ffn_gate_shexp",
        SharedUp = "ffn_up_shexp",
        SharedDown = "ffn_down_shexp",
        MtpEmbeddingNorm = "nextn.enorm",
        MtpHiddenNorm = "nextn.hnorm",
        MtpProjection = "nextn.eh_proj",
        MtpOutputNorm = "layer_output_norm",
        MtpEmbedding = "nextn.embed_tokens",
        MtpOutputHead = "nextn.shared_head_head",
    };
}
