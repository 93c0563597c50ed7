using System.Collections.Immutable;
using System.Globalization;
using System.Text;

namespace Moesaic.Models.Synthetic;

/// <summary>The shape of a real model, without its weights.</summary>
/// <param name="Name">How it is asked for.</param>
/// <param name="Layers">Layers of the real model.</param>
/// <param name="MinLayers">Fewest layers in which every kind of layer is still there.</param>
/// <param name="Config"><c>config.json</c> with LAYERS in place of the number of layers.</param>
public sealed record SyntheticShape(string Name, int Layers, int MinLayers, string Config)
{
    /// <summary>SmolLM2-135M: a small dense Llama with a tied output head.</summary>
    public static SyntheticShape SmolLm2 { get; } = new("smollm2", 30, 1, """
        {
          "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu",
          "vocab_size": 49152, "hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": LAYERS,
          "num_attention_heads": 9, "num_key_value_heads": 3, "max_position_embeddings": 8192,
          "rms_norm_eps": 1e-05, "rope_theta": 100000, "rope_scaling": null,
          "attention_bias": false, "mlp_bias": false, "tie_word_embeddings": true
        }
        """);

    /// <summary>Llama-3.2-1B: a dense Llama whose rows hold whole blocks of every type.</summary>
    public static SyntheticShape Llama1B { get; } = new("llama-1b", 16, 1, """
        {
          "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu",
          "vocab_size": 128256, "hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": LAYERS,
          "num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 64, "max_position_embeddings": 131072,
          "rms_norm_eps": 1e-05, "rope_theta": 500000,
          "rope_scaling": {
            "factor": 32.0, "high_freq_factor": 4.0, "low_freq_factor": 1.0, "original_max_position_embeddings": 8192, "rope_type": "llama3"
          },
          "attention_bias": false, "mlp_bias": false, "tie_word_embeddings": true
        }
        """);

    /// <summary>Ling-mini-2.0: 256 experts of which a token uses 8, a shared expert, a dense first layer.</summary>
    public static SyntheticShape LingMini { get; } = new("ling-mini", 20, 2, """
        {
          "architectures": ["BailingMoeV2ForCausalLM"], "model_type": "bailing_moe", "hidden_act": "silu",
          "vocab_size": 157184, "hidden_size": 2048, "intermediate_size": 5120, "num_hidden_layers": LAYERS,
          "num_attention_heads": 16, "num_key_value_heads": 4, "head_dim": 128, "max_position_embeddings": 32768,
          "rms_norm_eps": 1e-06, "rope_theta": 600000, "rope_scaling": null, "partial_rotary_factor": 0.5,
          "use_qk_norm": true, "use_rmsnorm": true, "use_qkv_bias": false, "use_bias": false, "tie_word_embeddings": false,
          "first_k_dense_replace": 1, "num_experts": 256, "num_experts_per_tok": 8, "n_group": 8, "topk_group": 4,
          "moe_intermediate_size": 512, "num_shared_experts": 1, "moe_shared_expert_intermediate_size": 512,
          "score_function": "sigmoid", "moe_router_enable_expert_bias": true, "norm_topk_prob": true,
          "routed_scaling_factor": 2.5, "router_dtype": "fp32", "num_nextn_predict_layers": 0
        }
        """);

    /// <summary>All shapes.</summary>
    public static ImmutableArray<SyntheticShape> All => [SmolLm2, Llama1B, LingMini];

    internal ReadOnlyMemory<byte> ConfigOf(int layers, SyntheticQuantisation? quantisation = null)
    {
        string config = Config.Replace("LAYERS", layers.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);
        return Encoding.UTF8.GetBytes(quantisation is null ? config : $"{config.TrimEnd()[..^1]}, \"quantization_config\": {quantisation.Config}}}");
    }
}
