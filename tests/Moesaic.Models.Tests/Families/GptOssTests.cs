using System.Text.Json.Nodes;
using Moesaic.Models.Checkpoints.Safetensors;
using Moesaic.Models.Configurations;
using Moesaic.Models.Decoder;
using Moesaic.Models.Families;
using Moesaic.TestSupport;

namespace Moesaic.Models.Tests.Families;

[TestFixture("gpt_oss", Containers.Both)]
public sealed class GptOssTests(string name, Containers containers) : FamilyTests(name, containers)
{
    [Test]
    public void Layers_are_what_the_configuration_says() => Each(path =>
    {
        using OpenedModel model = OpenedModel.Open(path);
        DecoderDescription decoder = model.Description;
        Assert.That(decoder.Layers.Select(l => l.Attention.Window), Is.EqualTo(new[] { 16, 0, 16, 0 }));
        Assert.That(decoder.KvGroups.Select(g => g.Window), Is.EqualTo(new[] { 16, 0 }));
        MoeDescription moe = (MoeDescription)decoder.Layers[0].FeedForward;
        Assert.That((moe.Activation, moe.ActivationAlpha, moe.ActivationLimit), Is.EqualTo((FeedForwardActivation.ClampedSilu, 1.702f, 7f)));
        Assert.That(moe.GateBias!.Length, Is.EqualTo(8 * 64));
        Assert.That(decoder.Layers[0].Attention.Sinks!.Length, Is.EqualTo(4));

        // Not rounded to whole frequencies: some lie between the ends of the blend.
        Assert.That(decoder.Ropes[0].Factor, Is.EqualTo(1.138629f).Within(1e-6f));
    });

    [TestCase("hidden_act", "\"gelu_pytorch_tanh\"", "hidden_act")]
    [TestCase("swiglu_limit", "-1", "swiglu_limit")]
    [TestCase("swiglu_alpha", "0", "swiglu_alpha")]
    [TestCase("layer_types", "[\"full_attention\"]", "layer_types")]
    [TestCase("layer_types", "[\"full_attention\",\"full_attention\",\"chunked_attention\",\"full_attention\"]", "layer_types")]
    [TestCase("num_local_experts", "0", "num_local_experts")]
    [TestCase("num_local_experts", "9", "mlp.")]
    [TestCase("num_experts_per_tok", "9", "num_experts_per_tok")]
    [TestCase("experts_per_token", "2", "experts_per_token")]
    [TestCase("attention_bias", "false", "bias")]
    [TestCase("sliding_window", "0", "sliding_window")]
    [TestCase("attn_logit_softcapping", "30.0", "attn_logit_softcapping")]
    [TestCase("quantization_config", "{\"quant_method\":\"unheard-of\"}", "quant_method")]
    public void A_wrong_setting_is_named(string key, string value, string field)
    {
        JsonObject root = JsonNode.Parse(File.ReadAllText(TestPaths.Shared("fixtures", "gpt_oss", "config.json")))!.AsObject();
        root[key] = JsonNode.Parse(value);
        ModelFormatException error = Assert.Throws<ModelFormatException>(() => Plan(root))!;
        Assert.That(error.Field, Does.Contain(field), error.Message);
    }

    [Test]
    public void Absent_settings_have_the_familys_values()
    {
        JsonObject root = JsonNode.Parse(File.ReadAllText(TestPaths.Shared("fixtures", "gpt_oss", "config.json")))!.AsObject();
        foreach (string key in new[] { "layer_types", "sliding_window", "swiglu_alpha", "swiglu_limit", "attention_bias" })
        {
            root.Remove(key);
        }

        DecoderDescription decoder = Plan(root);
        Assert.That(decoder.Layers.Select(l => l.Attention.Window), Is.EqualTo(new[] { 128, 0, 128, 0 }));
        Assert.That(decoder.Layers[1].FeedForward.ActivationLimit, Is.EqualTo(7f));
    }

    private static DecoderDescription Plan(JsonObject config)
    {
        using SafetensorsFile checkpoint = SafetensorsFile.Open(TestPaths.Shared("fixtures", "gpt_oss", "model.safetensors"));
        DecoderDescription decoder = ModelFamilies.Describe(HuggingFaceConfig.Parse(System.Text.Encoding.UTF8.GetBytes(config.ToJsonString()), "config.json"), checkpoint);
        return LoadPlan.Create(decoder, checkpoint).Description;
    }
}
