using System.Text;
using Moesaic.Models.Configurations;

namespace Moesaic.Models.Tests.Configurations;

/// <summary>Quantisation settings as the exporters of the field write them: read, or refused by name.</summary>
public sealed class QuantisationConfigTests
{
    private const string Linear = "model.layers.0.self_attn.q_proj";

    [TestCase("""{"quant_method":"fp8","weight_block_size":[128,128]}""", "FP8 E4M3 8 bit, blocks of 128 x 128")]
    [TestCase("""{"quant_method":"fp8","activation_scheme":"static"}""", "FP8 E4M3 8 bit, one scale a tensor")]
    [TestCase("""{"quant_method":"modelopt","quant_algo":"FP8","ignore":["lm_head"]}""", "FP8 E4M3 8 bit, one scale a tensor")]
    [TestCase("""{"quant_method":"modelopt","quant_algo":"NVFP4","group_size":16}""", "NVFP4 4 bit, groups of 16 columns")]
    [TestCase("""{"quant_method":"gptq","bits":4,"group_size":128,"desc_act":true,"sym":true,"damp_percent":0.1}""", "GPTQ 4 bit, groups of 128 columns, zero points")]
    [TestCase("""{"quant_method":"gptq","bits":3,"group_size":-1,"checkpoint_format":"gptq_v2","meta":{"quantizer":["x"]}}""", "GPTQ 3 bit, one scale a row, zero points")]
    [TestCase("""{"quant_method":"awq","bits":4,"group_size":64,"version":"gemm","zero_point":true}""", "AWQ 4 bit, groups of 64 columns, zero points")]
    [TestCase("""{"quant_method":"mxfp4"}""", "MXFP4 4 bit, groups of 32 columns")]
    [TestCase("""{"quant_method":"compressed-tensors","format":"pack-quantized","config_groups":{"g":{"targets":["Linear"],"weights":{"num_bits":8,"type":"int","strategy":"channel"}}}}""", "packed INT 8 bit, one scale a row")]
    [TestCase("""{"quant_method":"compressed-tensors","config_groups":{"g":{"format":"float-quantized","targets":["re:.*proj"],"weights":{"num_bits":8,"type":"float","strategy":"block","block_structure":[128,64]}}}}""", "FP8 E4M3 8 bit, blocks of 128 x 64")]
    public void A_scheme_is_read(string json, string expected) => Assert.That(Find(json, Linear)?.Description, Is.EqualTo(expected));

    [TestCase("""{"quant_method":"bitsandbytes","load_in_4bit":true}""", "quant_method")]
    [TestCase("""{"bits":4}""", "quant_method")]
    [TestCase("""{"quant_method":"gptq","group_size":128}""", "bits")]
    [TestCase("""{"quant_method":"gptq","bits":5,"group_size":128}""", "bits")]
    [TestCase("""{"quant_method":"gptq","bits":4,"group_size":0}""", "group_size")]
    [TestCase("""{"quant_method":"gptq","bits":4,"group_size":128,"checkpoint_format":"marlin"}""", "checkpoint_format")]
    [TestCase("""{"quant_method":"gptq","bits":4,"group_size":128,"unheard_of":1}""", "unheard_of")]
    [TestCase("""{"quant_method":"gptq","bits":4,"group_size":128,"dynamic":{"+:x":{"unheard_of":1}}}""", "unheard_of")]
    [TestCase("""{"quant_method":"gptq","bits":4,"group_size":128,"dynamic":{"-:(":{}}}""", "(")]
    [TestCase("""{"quant_method":"awq","bits":4,"group_size":128,"version":"gemv"}""", "version")]
    [TestCase("""{"quant_method":"awq","bits":8,"group_size":128}""", "bits")]
    [TestCase("""{"quant_method":"awq","bits":4,"group_size":128,"zero_point":false}""", "zero_point")]
    [TestCase("""{"quant_method":"fp8","fmt":"e5m2"}""", "fmt")]
    [TestCase("""{"quant_method":"fp8","weight_block_size":[128]}""", "weight_block_size")]
    [TestCase("""{"quant_method":"fp8","weight_block_size":[0,128]}""", "weight_block_size")]
    [TestCase("""{"quant_method":"modelopt","quant_algo":"W4A8_AWQ"}""", "quant_algo")]
    [TestCase("""{"quant_method":"compressed-tensors","format":"marlin-24","config_groups":{"g":{"targets":["Linear"],"weights":{"num_bits":4,"type":"int"}}}}""", "format")]
    [TestCase("""{"quant_method":"compressed-tensors","format":"pack-quantized"}""", "config_groups")]
    [TestCase("""{"quant_method":"compressed-tensors","format":"pack-quantized","config_groups":{"g":{"targets":[],"weights":{"num_bits":4}}}}""", "targets")]
    [TestCase("""{"quant_method":"compressed-tensors","format":"pack-quantized","config_groups":{"g":{"targets":["Linear"],"weights":{"num_bits":4,"dynamic":true}}}}""", "dynamic")]
    [TestCase("""{"quant_method":"compressed-tensors","format":"pack-quantized","config_groups":{"g":{"targets":["Linear"],"weights":{"num_bits":4,"type":"int","group_size":128,"rounding":"up"}}}}""", "rounding")]
    [TestCase("""{"quant_method":"compressed-tensors","format":"pack-quantized","sparsity_config":{"format":"sparse-24-bitmask"},"config_groups":{"g":{"targets":["Linear"],"weights":{"num_bits":4,"type":"int","group_size":128}}}}""", "format")]
    public void What_is_not_supported_is_named(string json, string field)
    {
        ModelFormatException error = Assert.Throws<ModelFormatException>(() => Find(json, Linear))!;
        Assert.That(error.Field, Does.StartWith("quantization_config.").And.EndsWith(field), error.Message);
    }

    [TestCase("""{"quant_method":"fp8","modules_to_not_convert":["lm_head","mlp.gate"]}""", "model.layers.3.mlp.gate", "model.layers.3.mlp.gate_proj")]
    [TestCase("""{"quant_method":"mxfp4","modules_to_not_convert":["model.layers.*.self_attn","lm_head"]}""", "model.layers.3.self_attn.q_proj", "model.layers.3.mlp.experts.gate_up_proj")]
    [TestCase("""{"quant_method":"awq","bits":4,"group_size":64,"modules_to_not_convert":["visual"]}""", "visual.blocks.0", "visualiser")]
    [TestCase("""{"quant_method":"modelopt","quant_algo":"FP8","exclude_modules":["lm_head","model.layers.1*"]}""", "model.layers.1.mlp", "model.layers.2.mlp")]
    [TestCase("""{"quant_method":"gptq","bits":4,"group_size":128,"dynamic":{"-:.*mlp\\.gate$":{}}}""", "model.layers.3.mlp.gate", "model.layers.3.mlp.gate_proj")]
    [TestCase("""{"quant_method":"compressed-tensors","format":"pack-quantized","ignore":["re:.*lm_head"],"config_groups":{"g":{"targets":["Linear"],"weights":{"num_bits":4,"type":"int","group_size":32}}}}""", "lm_head", "model.layers.0.mlp")]
    [TestCase("""{"quant_method":"compressed-tensors","format":"pack-quantized","config_groups":{"g":{"targets":["re:.*experts.*"],"weights":{"num_bits":4,"type":"int","group_size":32}}}}""", "model.layers.0.mlp.gate", "model.layers.0.mlp.experts.0.up_proj")]
    public void Modules_are_left_out_by_whole_names(string json, string left, string quantised)
    {
        Assert.That(Find(json, left), Is.Null);
        Assert.That(Find(json, quantised), Is.Not.Null);
    }

    [Test]
    public void Single_modules_may_have_their_own_settings()
    {
        const string gptq = """{"quant_method":"gptq","bits":4,"group_size":128,"dynamic":{"+:.*down_proj":{"bits":8,"group_size":32}}}""";
        Assert.That(Find(gptq, "model.layers.0.mlp.down_proj")!.Description, Is.EqualTo("GPTQ 8 bit, groups of 32 columns, zero points"));
        const string mixed = """{"quant_method":"compressed-tensors","format":"pack-quantized","config_groups":{"a":{"targets":["Linear"],"weights":{"num_bits":4,"type":"int","group_size":32}},"b":{"targets":["re:.*down_proj"],"weights":{"num_bits":8,"type":"int","group_size":64}}}}""";
        Assert.That(Find(mixed, "model.layers.0.mlp.down_proj")!.Bits, Is.EqualTo(8));
        Assert.That(Find(mixed, Linear)!.Bits, Is.EqualTo(4));
    }

    [Test]
    public void ModelOpt_may_keep_its_settings_in_a_file_of_its_own()
    {
        string folder = Directory.CreateTempSubdirectory("moesaic").FullName;
        try
        {
            File.WriteAllText(Path.Combine(folder, "config.json"), """{"architectures":["X"]}""");
            File.WriteAllText(Path.Combine(folder, "hf_quant_config.json"), """{"producer":{"name":"modelopt"},"quantization":{"quant_algo":"FP8","kv_cache_quant_algo":"FP8","exclude_modules":["lm_head"]}}""");
            QuantisationConfig config = HuggingFaceConfig.Load(Path.Combine(folder, "config.json")).Quantisation!;
            Assert.That(config.Find(Linear, out _)!.Method, Is.EqualTo(QuantisationMethod.Float8));
            Assert.That(config.Find("lm_head", out _), Is.Null);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Test]
    public void A_pattern_that_takes_too_long_ends_with_an_error()
    {
        string json = """{"quant_method":"gptq","bits":4,"group_size":128,"dynamic":{"-:(a+)+$":{}}}""";
        Assert.That(() => Find(json, new string('a', 60) + "!"), Throws.TypeOf<ModelFormatException>().With.Message.Contains("too long"));
    }

    private static QuantisationScheme? Find(string settings, string module)
    {
        byte[] json = Encoding.UTF8.GetBytes($$"""{"architectures":["X"],"quantization_config":{{settings}}}""");
        return HuggingFaceConfig.Parse(json, "config.json").Quantisation!.Find(module, out _);
    }
}
