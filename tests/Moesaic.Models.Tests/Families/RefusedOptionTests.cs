using System.Text.Json.Nodes;
using Moesaic.Models.Checkpoints;
using Moesaic.Models.Decoder;
using Moesaic.Models.Tests.Decoder;
using Moesaic.Models.Tests.Families.Reference;

namespace Moesaic.Models.Tests.Families;

/// <summary>Options that checkpoints of a family may carry and that are not run are refused by name, before any tensor is looked at.</summary>
public sealed class RefusedOptionTests
{
    [TestCase("llama", "rope_parameters", """{"rope_type":"dynamic","factor":2,"rope_theta":10000}""", "rope_type")]
    [TestCase("llama", "rope_parameters", """{"rope_type":"yarn","factor":2,"rope_theta":10000,"original_max_position_embeddings":64,"unheard_of":1}""", "unheard_of")]
    [TestCase("llama", "rope_scaling", """{"type":"linear","factor":2}""", "rope_scaling")]
    [TestCase("llama", "partial_rotary_factor", "0", "partial_rotary_factor")]
    [TestCase("llama", "layer_types", """["full_attention"]""", "layer_types")]
    [TestCase("llama", "logits_scaling", "8", "logits_scaling")]
    [TestCase("llama", "num_nextn_predict_layers", "1", "num_nextn_predict_layers")]
    [TestCase("qwen2", "attention_bias", "false", "attention_bias")]
    [TestCase("qwen2", "layer_types", """["sliding_attention","full_attention","full_attention","full_attention"]""", "layer_types")]
    [TestCase("qwen3", "layer_types", """["full_attention","linear_attention","full_attention","full_attention"]""", "layer_types")]
    [TestCase("qwen3_moe", "decoder_sparse_step", "0", "decoder_sparse_step")]
    [TestCase("qwen3_moe", "shared_expert_intermediate_size", "64", "shared_expert_intermediate_size")]
    [TestCase("qwen3_moe", "norm_topk_prob", "1", "norm_topk_prob")]
    [TestCase("mixtral", "norm_topk_prob", "false", "norm_topk_prob")]
    [TestCase("mixtral", "mlp_bias", "true", "mlp_bias")]
    [TestCase("dots1", "moe_layer_freq", "2", "moe_layer_freq")]
    [TestCase("dots1", "topk_method", "\"greedy\"", "topk_method")]
    [TestCase("dots1", "scoring_func", "\"softmax\"", "scoring_func")]
    [TestCase("dots1", "n_group", "5", "n_group")]
    [TestCase("deepseek_v2", "norm_topk_prob", "true", "norm_topk_prob")]
    [TestCase("deepseek_v2", "moe_layer_freq", "0", "moe_layer_freq")]
    [TestCase("mistral", "sliding_window", "0", "sliding_window")]
    [TestCase("deepseek_v2", "n_group", "3", "n_group")]
    [TestCase("deepseek_v3", "partial_rotary_factor", "0.5", "partial_rotary_factor")]
    [TestCase("deepseek_v3", "n_routed_experts", "null", "n_routed_experts")]
    [TestCase("deepseek_v3", "index_n_heads", "8", "index_n_heads")]
    [TestCase("olmoe", "clip_qkv", "8.0", "clip_qkv")]
    [TestCase("ling", "moe_layer_freq", "2", "moe_layer_freq")]
    [TestCase("ling", "use_sliding_window", "true", "use_sliding_window")]
    [TestCase("ling", "rotary_dim", "16", "rotary_dim")]
    [TestCase("gpt_oss", "mlp_bias", "true", "mlp_bias")]
    [TestCase("gemma3", "rope_parameters", """{"full_attention":{"rope_type":"default","rope_theta":1000000,"partial_rotary_factor":0.5},"sliding_attention":{"rope_type":"default"}}""", "rope_parameters")]
    [TestCase("gemma3", "rope_parameters", """{"full_attention":{"rope_type":"default","rope_theta":1000000},"sliding_attention":{"rope_type":"default","partial_rotary_factor":0.5}}""", "rope_parameters")]
    [TestCase("gemma3", "final_logit_softcapping", "30.0", "final_logit_softcapping")]
    [TestCase("llama", "quantization_config", """{"quant_method":"bitsandbytes","load_in_4bit":true}""", "quant_method")]
    [TestCase("llama", "quantization_config", """{"quant_method":"gptq","bits":5,"group_size":128}""", "bits")]
    [TestCase("llama", "quantization_config", """{"quant_method":"gptq","bits":4,"group_size":0}""", "group_size")]
    [TestCase("llama", "quantization_config", """{"quant_method":"gptq","bits":4,"group_size":128,"checkpoint_format":"marlin"}""", "checkpoint_format")]
    [TestCase("llama", "quantization_config", """{"quant_method":"awq","bits":8,"group_size":128}""", "bits")]
    [TestCase("llama", "quantization_config", """{"quant_method":"awq","bits":4,"group_size":128,"version":"gemv"}""", "version")]
    [TestCase("llama", "quantization_config", """{"quant_method":"awq","bits":4,"group_size":128,"zero_point":false}""", "zero_point")]
    [TestCase("llama", "quantization_config", """{"quant_method":"fp8","fmt":"e5m2"}""", "fmt")]
    [TestCase("llama", "quantization_config", """{"quant_method":"fp8","weight_block_size":[128]}""", "weight_block_size")]
    [TestCase("llama", "quantization_config", """{"quant_method":"modelopt","quant_algo":"W4A8_AWQ"}""", "quant_algo")]
    [TestCase("llama", "quantization_config", """{"quant_method":"modelopt","quant_algo":"NVFP4","group_size":32}""", "group_size")]
    [TestCase("llama", "quantization_config", """{"quant_method":"compressed-tensors","format":"marlin-24","config_groups":{"a":{"targets":["Linear"],"weights":{"num_bits":4,"type":"int","strategy":"group","group_size":128}}}}""", "format")]
    [TestCase("llama", "quantization_config", """{"quant_method":"compressed-tensors","format":"pack-quantized","config_groups":{"a":{"targets":["Linear"],"weights":{"num_bits":3,"type":"int","strategy":"group","group_size":128}}}}""", "format")]
    [TestCase("llama", "quantization_config", """{"quant_method":"compressed-tensors","format":"pack-quantized","config_groups":{"a":{"targets":["Linear"],"weights":{"num_bits":4,"type":"int","strategy":"group","group_size":128,"actorder":"lazy"}}}}""", "actorder")]
    [TestCase("llama", "quantization_config", """{"quant_method":"compressed-tensors","format":"pack-quantized","config_groups":{"a":{"targets":["re:(("],"weights":{"num_bits":4,"type":"int","strategy":"channel"}}}}""", "targets")]
    public void A_setting_that_is_not_run_is_named(string fixture, string key, string value, string field)
    {
        JsonObject config = Variant.Config(fixture, $"{{\"{key}\":{value}}}");
        using EditedCheckpoint none = new();
        ModelFormatException error = Assert.Throws<ModelFormatException>(() => Variant.Describe(config, none))!;
        Assert.That(error.Field, Does.Contain(field), error.Message);
    }

    /// <summary>A prediction layer that the configuration does not count is listed as not used; any other layer too many is refused.</summary>
    [TestCase("deepseek_v3", true)]
    [TestCase("deepseek_v3", false)]
    [TestCase("ling", true)]
    [TestCase("ling", false)]
    public void Layers_past_the_last_are_left_out_only_where_they_predict(string fixture, bool predicts)
    {
        PlainWeights weights = new();
        new PlainModel(Variant.Config(fixture, predicts ? """{"num_nextn_predict_layers":1}""" : """{"num_hidden_layers":5}"""), weights).Logits([1, 2]);
        using EditedCheckpoint checkpoint = weights.ToCheckpoint();
        DecoderDescription description = Variant.Describe(Variant.Config(fixture, """{"num_nextn_predict_layers":null}"""), checkpoint);
        Assert.That(description.MtpLayers, Is.Empty);
        if (predicts)
        {
            Assert.That(LoadPlan.Create(description, checkpoint).Ignored.Select(i => i.Tensor.Name), Is.Not.Empty.And.All.StartsWith("model.layers.4."));
        }
        else
        {
            ModelFormatException error = Assert.Throws<ModelFormatException>(() => LoadPlan.Create(description, checkpoint))!;
            Assert.That(error.Field, Does.StartWith("model.layers.4."));
        }
    }

    /// <summary>Some exporters of GPTQ give every map a bias of zeros.</summary>
    [TestCase(false)]
    [TestCase(true)]
    public void Biases_beside_quantised_maps_are_left_out_only_where_they_are_zero(bool isZero)
    {
        PlainWeights weights = new();
        JsonObject config = Variant.Config("llama");
        new PlainModel(config, weights).Logits([1, 2]);
        using EditedCheckpoint checkpoint = weights.ToCheckpoint();
        const string module = "model.layers.1.mlp.up_proj";
        Quantised.IntegerEncoders.Gptq(4, 32)(checkpoint, module + ".weight", [128, 64], weights.Get(module + ".weight", 128, 64));
        byte[] bias = new byte[256];
        bias[101] = (byte)(isZero ? 0 : 1);
        checkpoint.Set(module + ".bias", ElementFormat.F16, [128], bias);
        config["quantization_config"] = JsonNode.Parse("""{"quant_method":"gptq","bits":4,"group_size":32}""");
        DecoderDescription description = Variant.Describe(config, checkpoint);
        if (isZero)
        {
            Assert.That(LoadPlan.Create(description, checkpoint).Ignored.Select(i => i.Tensor.Name), Is.EqualTo(new[] { module + ".bias" }));
        }
        else
        {
            Assert.That(() => LoadPlan.Create(description, checkpoint), Throws.TypeOf<ModelFormatException>().With.Message.Contains(module + ".bias"));
        }
    }
}
