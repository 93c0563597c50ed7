using System.Text.Json.Nodes;
using Moesaic.Interop;
using Moesaic.Models.Checkpoints;
using Moesaic.Models.Configurations;
using Moesaic.Models.Decoder;
using Moesaic.Models.Families;
using Moesaic.Models.Tests.Decoder;
using Moesaic.TestSupport;

namespace Moesaic.Models.Tests.Families;

/// <summary>What released configurations come to, and what is refused.</summary>
public sealed class DeepSeekConfigTests
{
    // Keys that decide the description, with the values of the published files.
    private const string V2Lite = """
        {"architectures":["DeepseekV2ForCausalLM"],"model_type":"deepseek_v2","hidden_size":2048,"intermediate_size":10944,"num_hidden_layers":27,
        "num_attention_heads":16,"num_key_value_heads":16,"q_lora_rank":null,"kv_lora_rank":512,"qk_nope_head_dim":128,"qk_rope_head_dim":64,"v_head_dim":128,
        "n_routed_experts":64,"num_experts_per_tok":6,"n_shared_experts":2,"moe_intermediate_size":1408,"first_k_dense_replace":1,"moe_layer_freq":1,
        "topk_method":"greedy","n_group":1,"topk_group":1,"scoring_func":"softmax","norm_topk_prob":false,"routed_scaling_factor":1.0,"aux_loss_alpha":0.001,
        "seq_aux":true,"ep_size":1,"pretraining_tp":1,"attention_bias":false,"hidden_act":"silu","rms_norm_eps":1e-06,"max_position_embeddings":163840,
        "rope_theta":10000,"rope_scaling":{"type":"yarn","factor":40,"original_max_position_embeddings":4096,"beta_fast":32,"beta_slow":1,"mscale":0.707,"mscale_all_dim":0.707},
        "tie_word_embeddings":false,"vocab_size":102400,"torch_dtype":"bfloat16"}
        """;

    private const string V3 = """
        {"architectures":["DeepseekV3ForCausalLM"],"model_type":"deepseek_v3","hidden_size":7168,"intermediate_size":18432,"num_hidden_layers":61,
        "num_attention_heads":128,"num_key_value_heads":128,"q_lora_rank":1536,"kv_lora_rank":512,"qk_nope_head_dim":128,"qk_rope_head_dim":64,"v_head_dim":128,
        "n_routed_experts":256,"num_experts_per_tok":8,"n_shared_experts":1,"moe_intermediate_size":2048,"first_k_dense_replace":3,"moe_layer_freq":1,
        "topk_method":"noaux_tc","n_group":8,"topk_group":4,"scoring_func":"sigmoid","norm_topk_prob":true,"routed_scaling_factor":2.5,"aux_loss_alpha":0.001,
        "seq_aux":true,"ep_size":1,"num_nextn_predict_layers":1,"attention_bias":false,"hidden_act":"silu","rms_norm_eps":1e-06,"max_position_embeddings":163840,
        "rope_theta":10000,"rope_scaling":{"type":"yarn","factor":40,"original_max_position_embeddings":4096,"beta_fast":32,"beta_slow":1,"mscale":1.0,"mscale_all_dim":1.0},
        "tie_word_embeddings":false,"vocab_size":129280,"torch_dtype":"bfloat16"}
        """;

    private string _folder = string.Empty;

    [SetUp]
    public void CreateFolder() => _folder = Directory.CreateTempSubdirectory("moesaic").FullName;

    [TearDown]
    public void DeleteFolder() => Directory.Delete(_folder, recursive: true);

    [Test]
    public void V2_lite_as_published()
    {
        DecoderDescription d = Describe(JsonNode.Parse(V2Lite)!.AsObject());
        AttentionDescription a = d.Layers[5].Attention;
        Assert.That(a.Scale, Is.EqualTo(0.11472139).Within(1e-7), "with the square of YaRN's mscale");
        Assert.That(a.Latent!.QueryDown, Is.Null);
        Assert.That(d.KvGroups, Has.Length.EqualTo(1));
        Assert.That((d.KvGroups[0].NumKeyValueHeads, d.KvGroups[0].KeyWidth, d.KvGroups[0].ValueWidth, d.KvGroups[0].LatentWidth), Is.EqualTo((1, 576, 0, 512)));
        Assert.That((d.Ropes[0].Pairing, d.Ropes[0].Dimensions, d.Ropes[0].Factor), Is.EqualTo((RopePairing.Interleaved, 64, 1f)));
        RouterDescription router = ((MoeDescription)d.Layers[5].FeedForward).Router;
        Assert.That((router.Score, router.NumGroups, router.TopK, router.Normalise, router.Scale), Is.EqualTo((RouterScore.Softmax, 1, 6, false, 1f)));
        Assert.That(((MoeDescription)d.Layers[1].FeedForward).Shared!.Width, Is.EqualTo(2816));
        Assert.That(d.Layers[0].FeedForward, Is.InstanceOf<MlpDescription>());
    }

    [Test]
    public void V2_keeps_groups_by_their_largest_expert()
    {
        JsonObject config = JsonNode.Parse(V2Lite)!.AsObject();
        config["topk_method"] = "group_limited_greedy";
        config["n_group"] = 8;
        config["topk_group"] = 3;
        config["routed_scaling_factor"] = 16.0;
        RouterDescription router = ((MoeDescription)Describe(config).Layers[5].FeedForward).Router;
        Assert.That((router.GroupRule, router.NumGroups, router.KeptGroups, router.Scale), Is.EqualTo((RouterGroupRule.Max, 8, 3, 16f)));
    }

    [Test]
    public void V3_as_published()
    {
        DecoderDescription d = Describe(JsonNode.Parse(V3)!.AsObject());
        Assert.That(d.Layers[60].Attention.Scale, Is.EqualTo(0.13523378).Within(1e-7));
        Assert.That(d.Layers[60].Attention.Latent!.QueryRank, Is.EqualTo(1536));
        RouterDescription router = ((MoeDescription)d.Layers[3].FeedForward).Router;
        Assert.That((router.Score, router.GroupRule, router.NumGroups, router.KeptGroups), Is.EqualTo((RouterScore.Sigmoid, RouterGroupRule.Top2Sum, 8, 4)));
        Assert.That((router.Normalise, router.Scale, router.SelectionBias), Is.EqualTo((true, 2.5f, VectorSource.Whole("model.layers.3.mlp.gate.e_score_correction_bias", 256))));
        Assert.That(d.Layers[2].FeedForward, Is.InstanceOf<MlpDescription>());
    }

    [Test]
    public void Kimi_K2_is_the_same_description()
    {
        JsonObject config = JsonNode.Parse(V3)!.AsObject();
        foreach ((string key, string value) in new[]
        {
            ("model_type", "\"kimi_k2\""), ("num_attention_heads", "64"), ("n_routed_experts", "384"), ("first_k_dense_replace", "1"), ("n_group", "1"), ("topk_group", "1"),
            ("routed_scaling_factor", "2.827"), ("rope_theta", "50000.0"), ("num_nextn_predict_layers", "0"), ("vocab_size", "163840"), ("max_position_embeddings", "131072"),
            ("rope_scaling", """{"type":"yarn","factor":32.0,"original_max_position_embeddings":4096,"beta_fast":1.0,"beta_slow":1.0,"mscale":1.0,"mscale_all_dim":1.0}"""),
        })
        {
            config[key] = JsonNode.Parse(value);
        }

        DecoderDescription d = Describe(config);
        Assert.That(d.Layers[1].Attention.Scale, Is.EqualTo(0.13086080).Within(1e-7));
        RouterDescription router = ((MoeDescription)d.Layers[1].FeedForward).Router;
        Assert.That((router.NumGroups, router.KeptGroups, router.Scale), Is.EqualTo((1, 1, 2.827f)));
        Assert.That(d.MtpLayers, Is.Empty);
    }

    [TestCase(V2Lite, "norm_topk_prob", "true")]
    [TestCase(V2Lite, "scoring_func", "\"sigmoid\"")]
    [TestCase(V2Lite, "topk_method", "\"noaux_tc\"")]
    [TestCase(V2Lite, "mlp_bias", "true")]
    [TestCase(V2Lite, "qk_rope_head_dim", "63")]
    [TestCase(V2Lite, "kv_lora_rank", "0")]
    [TestCase(V2Lite, "sliding_window", "4096")]
    [TestCase(V3, "scoring_func", "\"softmax\"")]
    [TestCase(V3, "topk_method", "\"greedy\"")]
    [TestCase(V3, "moe_layer_freq", "-1")]
    [TestCase(V3, "qk_head_dim", "576")]
    [TestCase(V3, "topk_group", "9")]
    [TestCase(V3, "num_experts_per_tok", "257")]
    [TestCase(V3, "index_topk", "2048")]
    public void What_is_not_supported_is_refused_by_name(string text, string key, string value)
    {
        JsonObject config = JsonNode.Parse(text)!.AsObject();
        config[key] = JsonNode.Parse(value);
        ModelFormatException error = Assert.Throws<ModelFormatException>(() => Describe(config))!;
        Assert.That(error.Field, Does.Contain(key), error.Message);
    }

    private DecoderDescription Describe(JsonObject config)
    {
        string path = Path.Combine(_folder, "config.json");
        File.WriteAllText(path, config.ToJsonString());
        using EditedCheckpoint none = new();
        return ModelFamilies.Describe(HuggingFaceConfig.Load(path), none);
    }
}
