using System.Text.Json.Nodes;
using Moesaic.Models.Checkpoints;
using Moesaic.Models.Checkpoints.Gguf;
using Moesaic.Models.Checkpoints.Safetensors;
using Moesaic.Models.Tests.Checkpoints.Gguf;
using Moesaic.Models.Tests.Decoder;
using Moesaic.TestSupport;

namespace Moesaic.Models.Tests.Families;

/// <summary>
/// Writes a DeepSeek fixture as GGUF files were before key and value maps of latent attention were split: attn_kv_b as it is, a
/// head's widths as key and value length, as many key-value heads as heads.
/// </summary>
internal static class DeepSeekGguf
{
    private static readonly (string From, string To)[] s_names =
    [
        ("model.embed_tokens", "token_embd"), ("model.norm", "output_norm"), ("lm_head", "output"), ("model.layers.", "blk."), ("input_layernorm", "attn_norm"), ("post_attention_layernorm", "ffn_norm"),
        ("self_attn.kv_a_proj_with_mqa", "attn_kv_a_mqa"), ("self_attn.kv_a_layernorm", "attn_kv_a_norm"), ("self_attn.kv_b_proj", "attn_kv_b"), ("self_attn.q_a_proj", "attn_q_a"),
        ("self_attn.q_a_layernorm", "attn_q_a_norm"), ("self_attn.q_b_proj", "attn_q_b"), ("self_attn.q_proj", "attn_q"), ("self_attn.o_proj", "attn_output"),
        ("mlp.gate.e_score_correction_bias", "exp_probs_b.bias"), ("mlp.gate.weight", "ffn_gate_inp.weight"), ("mlp.shared_experts.gate_proj", "ffn_gate_shexp"), ("mlp.shared_experts.up_proj", "ffn_up_shexp"),
        ("mlp.shared_experts.down_proj", "ffn_down_shexp"), ("mlp.gate_proj", "ffn_gate"), ("mlp.up_proj", "ffn_up"), ("mlp.down_proj", "ffn_down"),
    ];

    public static void Write(string fixture, string path)
    {
        string folder = TestPaths.Shared("fixtures", fixture);
        JsonObject config = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "config.json")))!.AsObject();
        uint Number(string key) => (uint)(config[key]?.GetValue<int>() ?? 0);
        GgufBuilder builder = new GgufBuilder().Pair("general.architecture", "deepseek2");
        foreach ((string key, string from) in ((string, string)[])[
            ("context_length", "max_position_embeddings"), ("embedding_length", "hidden_size"), ("feed_forward_length", "intermediate_size"), ("block_count", "num_hidden_layers"),
            ("attention.head_count", "num_attention_heads"), ("attention.head_count_kv", "num_attention_heads"), ("attention.kv_lora_rank", "kv_lora_rank"), ("attention.key_length", "qk_head_dim"),
            ("attention.value_length", "v_head_dim"), ("rope.dimension_count", "qk_rope_head_dim"), ("leading_dense_block_count", "first_k_dense_replace"), ("expert_count", "n_routed_experts"),
            ("expert_used_count", "num_experts_per_tok"), ("expert_shared_count", "n_shared_experts"), ("expert_feed_forward_length", "moe_intermediate_size"), ("vocab_size", "vocab_size")])
        {
            builder.Pair("deepseek2." + key, Number(from));
        }

        if (config["q_lora_rank"] is not null)
        {
            builder.Pair("deepseek2.attention.q_lora_rank", Number("q_lora_rank"));
        }

        if (Number("n_group") > 1)
        {
            builder.Pair("deepseek2.expert_group_count", Number("n_group")).Pair("deepseek2.expert_group_used_count", Number("topk_group"));
        }

        builder.Pair("deepseek2.attention.layer_norm_rms_epsilon", 1e-6f).Pair("deepseek2.rope.freq_base", 10000f).Pair("deepseek2.expert_weights_scale", config["routed_scaling_factor"]!.GetValue<float>());
        if (config["scoring_func"]?.GetValue<string>() == "sigmoid")
        {
            builder.Pair("deepseek2.expert_gating_func", 2u).Pair("deepseek2.expert_weights_norm", GgufValueType.Bool, w => w.Write(true));
        }

        if (config["rope_scaling"] is JsonObject scaling)
        {
            builder.Pair("deepseek2.rope.scaling.type", "yarn").Pair("deepseek2.rope.scaling.factor", scaling["factor"]!.GetValue<float>())
                .Pair("deepseek2.rope.scaling.original_context_length", scaling["original_max_position_embeddings"]!.GetValue<uint>())
                .Pair("deepseek2.rope.scaling.yarn_log_multiplier", 0.1f * scaling["mscale_all_dim"]!.GetValue<float>());
        }

        MemoryStream data = new();
        using SafetensorsFile file = SafetensorsFile.Open(Path.Combine(folder, "model.safetensors"));
        foreach (CheckpointTensor tensor in file.Tensors.Where(t => !t.Name.Contains(".experts.", StringComparison.Ordinal)))
        {
            string name = s_names.Aggregate(tensor.Name, static (n, pair) => n.Replace(pair.From, pair.To, StringComparison.Ordinal));
            Phi3Gguf.Add(builder, data, name, tensor.Format, tensor.Shape, EditedCheckpoint.BytesOf(tensor));
        }

        for (uint layer = Number("first_k_dense_replace"); layer < Number("num_hidden_layers"); layer++)
        {
            foreach (string part in (string[])["gate", "up", "down"])
            {
                CheckpointTensor[] experts = [.. Enumerable.Range(0, (int)Number("n_routed_experts")).Select(e => file.GetTensor($"model.layers.{layer}.mlp.experts.{e}.{part}_proj.weight"))];
                Phi3Gguf.Add(builder, data, $"blk.{layer}.ffn_{part}_exps.weight", experts[0].Format, [experts.Length, .. experts[0].Shape], [.. experts.SelectMany(EditedCheckpoint.BytesOf)]);
            }
        }

        builder.Data = data.ToArray();
        File.WriteAllBytes(path, builder.Build());
    }
}
