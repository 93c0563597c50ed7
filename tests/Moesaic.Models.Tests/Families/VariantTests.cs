using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Moesaic.Models.Checkpoints;
using Moesaic.Models.Decoder;
using Moesaic.Models.Tests.Decoder;
using Moesaic.Models.Tests.Families.Reference;

namespace Moesaic.Models.Tests.Families;

/// <summary>
/// Options and sizes that the fixtures do not have, held against the plain forward pass of each family: made-up weights, more
/// tokens than the original context and the windows. Tensors are those that the plain pass asks for, so a missing or needless
/// one is found too.
/// </summary>
public sealed class VariantTests
{
    private const int Tokens = 100;

    private static readonly (string Fixture, string[] Edits)[] s_variants =
    [
        ("llama",
        [
            """{"tie_word_embeddings":true}""",
            """{"attention_bias":true,"mlp_bias":true}""",
            """{"head_dim":24,"num_key_value_heads":1}""",
            """{"hidden_size":80,"num_attention_heads":5,"num_key_value_heads":5,"head_dim":null,"intermediate_size":200,"vocab_size":301}""",
            """{"hidden_size":72,"num_attention_heads":6,"num_key_value_heads":3,"head_dim":10,"intermediate_size":88,"vocab_size":97,"num_hidden_layers":2}""",
            """{"hidden_act":"gelu_pytorch_tanh"}""",
            """{"partial_rotary_factor":0.5}""",
            """{"sliding_window":16}""",
            """{"rope_parameters":{"rope_type":"default","rope_theta":5000,"partial_rotary_factor":0.25}}""",
            """{"rope_parameters":{"rope_type":"linear","factor":4,"rope_theta":10000}}""",
            """{"rope_parameters":null,"rope_theta":10000,"rope_scaling":{"type":"linear","factor":4.0}}""",
            """{"rope_parameters":{"rope_type":"llama3","factor":32,"low_freq_factor":1,"high_freq_factor":4,"original_max_position_embeddings":32,"rope_theta":500}}""",
            """{"rope_parameters":null,"rope_theta":500.0,"rope_scaling":{"rope_type":"llama3","factor":32.0,"low_freq_factor":1.0,"high_freq_factor":4.0,"original_max_position_embeddings":32}}""",
            """{"rope_parameters":{"rope_type":"yarn","factor":8,"original_max_position_embeddings":32,"attention_factor":1.25,"beta_fast":16,"beta_slow":2,"rope_theta":10000}}""",
            """{"rope_parameters":null,"rope_theta":10000,"rope_scaling":{"type":"yarn","factor":8,"original_max_position_embeddings":32,"truncate":false}}""",
            """{"rope_parameters":null,"rope_theta":1000000.0,"rope_scaling":null}""",
        ]),
        ("mistral", ["""{"sliding_window":null}""", """{"sliding_window":7,"head_dim":16}""", """{"sliding_window":64,"tie_word_embeddings":true,"num_key_value_heads":4}"""]),
        ("qwen2",
        [
            """{"tie_word_embeddings":true}""",
            """{"use_sliding_window":true,"sliding_window":16,"max_window_layers":2,"layer_types":null}""",
            """{"use_sliding_window":true,"sliding_window":24,"layer_types":["sliding_attention","full_attention","full_attention","sliding_attention"]}""",
            """{"use_sliding_window":false,"sliding_window":16,"max_window_layers":2,"layer_types":null}""",
            """{"rope_scaling":{"type":"yarn","factor":4.0,"original_max_position_embeddings":32}}""",
        ]),
        ("qwen3",
        [
            """{"attention_bias":true,"tie_word_embeddings":true}""",
            """{"head_dim":null,"num_attention_heads":2,"num_key_value_heads":1}""",
            """{"use_sliding_window":true,"sliding_window":16,"max_window_layers":1,"layer_types":null}""",
        ]),
        ("qwen3_moe",
        [
            """{"norm_topk_prob":false}""",
            """{"decoder_sparse_step":2}""",
            """{"decoder_sparse_step":3,"mlp_only_layers":[2],"intermediate_size":72}""",
            """{"mlp_only_layers":[0,3]}""",
            """{"attention_bias":true,"num_local_experts":null,"num_experts":12,"num_experts_per_tok":1,"moe_intermediate_size":40}""",
            """{"use_sliding_window":true,"sliding_window":16,"max_window_layers":3}""",
            """{"num_local_experts":0}""",
            """{"num_local_experts":3,"num_experts_per_tok":3,"head_dim":null,"tie_word_embeddings":true}""",
        ]),
        ("mixtral", ["""{"sliding_window":16}""", """{"num_local_experts":5,"num_experts_per_tok":3,"tie_word_embeddings":true}""", """{"num_experts_per_tok":1,"head_dim":null,"intermediate_size":56}"""]),
        ("dots1",
        [
            """{"n_shared_experts":0}""",
            """{"n_shared_experts":null,"moe_intermediate_size":36}""",
            """{"n_group":4,"topk_group":2,"num_experts_per_tok":5}""",
            """{"n_group":0,"topk_group":0}""",
            """{"n_group":null,"topk_group":null,"norm_topk_prob":false,"routed_scaling_factor":1.0}""",
            """{"first_k_dense_replace":0}""",
            """{"first_k_dense_replace":4}""",
            """{"first_k_dense_replace":3,"num_experts_per_tok":1,"attention_bias":true,"scoring_func":"noaux_tc"}""",
            """{"sliding_window":16,"layer_types":["full_attention","sliding_attention","full_attention","sliding_attention"]}""",
            """{"sliding_window":16,"max_window_layers":2,"layer_types":null}""",
            """{"num_key_value_heads":1,"tie_word_embeddings":true,"n_shared_experts":3}""",
        ]),
        ("deepseek_v2",
        [
            """{"topk_group":1,"num_experts_per_tok":3}""",
            """{"n_group":1,"topk_group":1}""",
            """{"topk_method":"greedy","q_lora_rank":null,"n_group":8,"topk_group":3}""",
            """{"n_shared_experts":0,"first_k_dense_replace":0}""",
            """{"n_shared_experts":null,"first_k_dense_replace":4}""",
            """{"moe_layer_freq":2}""",
            """{"n_routed_experts":"null","n_shared_experts":"null","num_experts_per_tok":"null"}""",
            """{"attention_bias":true,"q_lora_rank":20}""",
            """{"qk_nope_head_dim":16,"qk_rope_head_dim":8,"qk_head_dim":24,"v_head_dim":12,"kv_lora_rank":40,"num_attention_heads":3,"num_key_value_heads":3}""",
            """{"rope_parameters":null,"rope_theta":10000,"rope_scaling":{"type":"yarn","factor":40,"original_max_position_embeddings":32,"beta_fast":32,"beta_slow":1,"mscale":0.707,"mscale_all_dim":0.707}}""",
            """{"rope_parameters":{"rope_type":"yarn","rope_theta":10000,"factor":40,"original_max_position_embeddings":32,"mscale":1.0,"mscale_all_dim":0.707},"tie_word_embeddings":true}""",
        ]),
        ("deepseek_v3",
        [
            """{"n_group":1,"topk_group":1,"routed_scaling_factor":2.827,"rope_scaling":{"type":"yarn","factor":32.0,"original_max_position_embeddings":32,"beta_fast":1.0,"beta_slow":1.0,"mscale":1.0,"mscale_all_dim":1.0}}""",
            """{"norm_topk_prob":false,"routed_scaling_factor":1.0,"n_shared_experts":2}""",
            """{"n_shared_experts":0,"first_k_dense_replace":0,"q_lora_rank":null}""",
            """{"first_k_dense_replace":4,"attention_bias":true}""",
            """{"moe_layer_freq":3,"first_k_dense_replace":0,"num_hidden_layers":5}""",
            """{"n_routed_experts":"null","num_nextn_predict_layers":1}""",
            """{"moe_layer_freq":2,"num_nextn_predict_layers":1}""",
            """{"n_group":8,"topk_group":3,"num_experts_per_tok":6}""",
            """{"rope_interleave":false,"n_routed_experts":null,"num_local_experts":12,"n_group":3}""",
            """{"rope_scaling":null}""",
            """{"rope_scaling":null,"rope_theta":null,"rope_parameters":{"rope_type":"yarn","rope_theta":50000,"factor":4,"original_max_position_embeddings":64,"mscale":1.0,"mscale_all_dim":1.0}}""",
            """{"num_nextn_predict_layers":1}""",
            """{"num_nextn_predict_layers":1,"first_k_dense_replace":3,"n_shared_experts":2,"q_lora_rank":null,"tie_word_embeddings":true}""",
        ]),
        ("olmoe", ["""{"norm_topk_prob":true}""", """{"num_key_value_heads":2,"attention_bias":true}""", """{"num_experts_per_tok":1,"head_dim":24,"tie_word_embeddings":true}""", """{"num_experts":null,"num_local_experts":6,"intermediate_size":44}"""]),
        ("phi3",
        [
            """{"sliding_window":16}""",
            """{"rope_parameters":{"rope_type":"default","rope_theta":10000,"partial_rotary_factor":0.75}}""",
            """{"rope_parameters":null,"rope_theta":10000,"partial_rotary_factor":0.5,"tie_word_embeddings":true,"num_key_value_heads":4}""",
            """{"rope_parameters":null,"rope_theta":10000,"partial_rotary_factor":0.5,"original_max_position_embeddings":32,"rope_scaling":{"type":"longrope","short_factor":[1,1.1,1.2,1.3],"long_factor":[1,2,3,4]}}""",
            """{"original_max_position_embeddings":32,"rope_parameters":{"rope_type":"longrope","rope_theta":10000,"partial_rotary_factor":0.5,"original_max_position_embeddings":32,"short_factor":[1,1.1,1.2,1.3],"long_factor":[1,2,3,4]}}""",
        ]),
        ("gemma3",
        [
            """{"layer_types":null,"_sliding_window_pattern":null,"sliding_window_pattern":2}""",
            """{"tie_word_embeddings":false,"query_pre_attn_scalar":16,"head_dim":16}""",
            """{"rope_parameters":{"full_attention":{"rope_type":"linear","factor":8,"rope_theta":1000000},"sliding_attention":{"rope_type":"default","rope_theta":5000}},"sliding_window":40}""",
            """{"rope_parameters":null,"rope_theta":1000000,"rope_local_base_freq":20000,"rope_scaling":{"rope_type":"linear","factor":8.0},"layer_types":null}""",
            """{"num_attention_heads":3,"num_key_value_heads":1,"hidden_size":56,"intermediate_size":104,"num_hidden_layers":2,"layer_types":["full_attention","sliding_attention"]}""",
        ]),
        ("gpt_oss",
        [
            """{"layer_types":null,"sliding_window":5}""",
            """{"swiglu_limit":0.5,"num_experts_per_tok":1}""",
            """{"swiglu_alpha":1.0,"attention_bias":false,"num_local_experts":5}""",
            """{"rope_scaling":null,"head_dim":48,"num_key_value_heads":4,"intermediate_size":40}""",
            """{"head_dim":null,"num_attention_heads":2,"num_key_value_heads":1,"rope_scaling":{"rope_type":"yarn","factor":32.0,"original_max_position_embeddings":32,"beta_fast":32.0,"beta_slow":1.0,"truncate":true}}""",
            """{"rope_scaling":null,"rope_theta":null,"rope_parameters":{"rope_type":"yarn","rope_theta":150000,"factor":4.0,"original_max_position_embeddings":64,"truncate":false},"tie_word_embeddings":true}""",
        ]),
        ("ling",
        [
            """{"use_qkv_bias":true,"use_bias":true}""",
            """{"partial_rotary_factor":null,"use_qk_norm":false}""",
            """{"num_shared_experts":0,"n_group":0,"topk_group":0}""",
            """{"num_shared_experts":2,"num_experts_per_tok":1,"routed_scaling_factor":1.0}""",
            """{"first_k_dense_replace":0,"moe_router_enable_expert_bias":false}""",
            """{"first_k_dense_replace":4,"tie_word_embeddings":true}""",
            """{"rope_theta":null,"rope_parameters":{"rope_type":"yarn","rope_theta":10000,"factor":4.0,"original_max_position_embeddings":32,"partial_rotary_factor":0.5},"partial_rotary_factor":null}""",
            """{"num_experts":24,"n_group":3,"topk_group":1,"moe_intermediate_size":20,"moe_shared_expert_intermediate_size":20,"head_dim":16}""",
            """{"num_nextn_predict_layers":1,"first_k_dense_replace":2}""",
        ]),
    ];

    public static IEnumerable<TestCaseData> Variants() => s_variants.SelectMany(v => v.Edits.Select(e => new TestCaseData(v.Fixture, e)));

    /// <summary>Weights in another type than the fixtures' bf16: maps that are turned or transposed while loading above all.</summary>
    [TestCase("deepseek_v3", ElementFormat.F32)]
    [TestCase("deepseek_v3", ElementFormat.F16)]
    [TestCase("gpt_oss", ElementFormat.F32)]
    [TestCase("gpt_oss", ElementFormat.F16)]
    [TestCase("ling", ElementFormat.F16)]
    public void Weights_may_have_any_type(string fixture, ElementFormat type)
    {
        JsonObject config = Variant.Config(fixture);
        PlainWeights weights = new();
        PlainModel plain = new(config, weights);
        plain.Logits([1, 2]);
        using EditedCheckpoint checkpoint = new();
        foreach ((string name, long[] shape, float[] values) in weights.All.ToArray())
        {
            // No bf16 numbers any more.
            Half[] halves = Array.ConvertAll(values, x => (Half)(x * 1.01f));
            float[] exact = Array.ConvertAll(halves, x => (float)x);
            weights.Set(name, exact);
            checkpoint.Set(name, type, [.. shape], type == ElementFormat.F16 ? MemoryMarshal.AsBytes(halves.AsSpan()).ToArray() : MemoryMarshal.AsBytes(exact.AsSpan()).ToArray());
        }

        int[] ids = Variant.Ids(40, 512);
        float[][] found = Variant.Logits(Variant.Describe(config, checkpoint), checkpoint, [ids]).Main[0];
        Assert.That(Variant.Nmse(found, plain.Logits(ids).Main), Is.LessThanOrEqualTo(1e-9));
    }

    /// <summary>Widths that no kernel likes, with rounded activations and every kind of cache.</summary>
    [TestCase("llama", """{"hidden_size":72,"num_attention_heads":6,"num_key_value_heads":3,"head_dim":10,"intermediate_size":88,"vocab_size":97}""")]
    [TestCase("llama", """{"hidden_size":80,"num_attention_heads":5,"num_key_value_heads":5,"head_dim":18,"intermediate_size":52,"vocab_size":301}""")]
    [TestCase("gemma3", """{"num_attention_heads":3,"num_key_value_heads":1,"hidden_size":56,"intermediate_size":104,"head_dim":12}""")]
    [TestCase("phi3", """{"hidden_size":120,"num_attention_heads":5,"num_key_value_heads":1,"intermediate_size":100,"rope_parameters":{"rope_type":"default","rope_theta":10000,"partial_rotary_factor":0.75}}""")]
    [TestCase("deepseek_v3", """{"qk_nope_head_dim":18,"qk_rope_head_dim":6,"qk_head_dim":24,"v_head_dim":10,"kv_lora_rank":42,"q_lora_rank":22,"first_k_dense_replace":4,"num_attention_heads":3,"hidden_size":72}""")]
    public void Odd_widths_run_in_fast_precision(string fixture, string edits)
    {
        JsonObject config = Variant.Config(fixture, edits);
        PlainWeights weights = new() { NormCentre = fixture == "gemma3" ? 0 : 1 };
        int[] ids = Variant.Ids(60, config["vocab_size"]!.GetValue<int>());
        double[][] main = new PlainModel(config, weights).Logits(ids).Main;
        using EditedCheckpoint checkpoint = weights.ToCheckpoint();
        DecoderDescription description = Variant.Describe(config, checkpoint);
        foreach (KvFormat format in (KvFormat[])[KvFormat.F32, KvFormat.BF16, KvFormat.Int8])
        {
            ExecutorOptions options = DecoderFixture.Fast with { KvFormat = format };
            float[][] found = Variant.Logits(description, checkpoint, [ids], options: options).Main[0];
            double nmse = Variant.Nmse(found, main);
            TestContext.Out.WriteLine($"{format}: NMSE {nmse:E2}");
            Assert.That(nmse, Is.LessThanOrEqualTo(3e-3), $"{format}");
            float[][] stepwise = Variant.Logits(description, checkpoint, [ids], i => SequenceRunner.Alone(i, 7), options: options).Main[0];
            Assert.That(stepwise.Zip(found).All(p => p.First.AsSpan().SequenceEqual(p.Second)), Is.True, $"{format}, in chunks");
        }
    }

    [TestCaseSource(nameof(Variants))]
    public void Logits_match_a_plain_forward_pass(string fixture, string edits)
    {
        JsonObject config = Variant.Config(fixture, edits);
        PlainWeights weights = new() { NormCentre = fixture == "gemma3" ? 0 : 1 };
        PlainModel plain = new(config, weights);
        int[] ids = Variant.Ids(Tokens, config["vocab_size"]!.GetValue<int>());
        (double[][] main, double[][] predicted) = plain.Logits(ids);
        using EditedCheckpoint checkpoint = weights.ToCheckpoint();
        DecoderDescription description = Variant.Describe(config, checkpoint);
        (float[][][] found, float[][][] foundPredicted) = Variant.Logits(description, checkpoint, [ids]);
        double nmse = Variant.Nmse(found[0], main);
        TestContext.Out.WriteLine($"NMSE {nmse:E2}");
        Assert.That(nmse, Is.LessThanOrEqualTo(1e-9));
        Assert.That(description.MtpLayers, Has.Length.EqualTo(predicted.Length > 0 ? 1 : 0));
        if (predicted.Length > 0)
        {
            Assert.That(Variant.Nmse(foundPredicted[0][..^1], predicted[..^1]), Is.LessThanOrEqualTo(1e-9));
        }

        float[][] stepwise = Variant.Logits(description, checkpoint, [ids], i => SequenceRunner.Alone(i, 7)).Main[0];
        Assert.That(stepwise.Zip(found[0]).All(p => p.First.AsSpan().SequenceEqual(p.Second)), Is.True, "in chunks");
    }
}
