using System.Text.Json.Nodes;
using Moesaic.Models.Checkpoints;
using Moesaic.Models.Export;
using Moesaic.Models.Families;
using Moesaic.Models.Tests.Decoder;
using Moesaic.Models.Tests.Families;
using Moesaic.TestSupport;

namespace Moesaic.Models.Tests.Export;

/// <summary>Options that no fixture has: the written file computes what the edited checkpoint does, or is refused by the option's name.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class OptionExportTests : IDisposable
{
    private const string Yarn = """{"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64""";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [TestCase("deepseek_v3", """{"rope_interleave": false}""")]
    [TestCase("deepseek_v3", """{"rope_scaling": """ + Yarn + """, "mscale": 1.0, "mscale_all_dim": 0.5}}""")]
    [TestCase("deepseek_v3", """{"norm_topk_prob": false, "n_group": 1, "topk_group": 1}""")]
    [TestCase("deepseek_v2", """{"rope_parameters": """ + Yarn + """, "rope_theta": 10000.0, "mscale": 0.707, "mscale_all_dim": 0.707}}""")]
    [TestCase("llama", """{"partial_rotary_factor": 0.5}""")]
    [TestCase("llama", """{"rope_scaling": """ + Yarn + """, "attention_factor": 1.3, "beta_fast": 16}}""")]
    [TestCase("llama", """{"rope_scaling": {"rope_type": "linear", "factor": 3.0}, "rms_norm_eps": 1e-4}""")]
    [TestCase("mistral", """{"sliding_window": null}""")]
    [TestCase("phi3", """{"sliding_window": 20}""")]
    [TestCase("phi3", """{"rope_parameters": {"rope_theta": 10000.0, "rope_type": "default", "partial_rotary_factor": 0.5}}""")]
    [TestCase("qwen3_moe", """{"norm_topk_prob": false}""")]
    [TestCase("olmoe", """{"norm_topk_prob": true}""")]
    [TestCase("dots1", """{"norm_topk_prob": false, "routed_scaling_factor": 1.25, "n_group": 4, "topk_group": 3}""")]
    [TestCase("gemma3", """{"layer_types": ["full_attention", "sliding_attention", "sliding_attention", "full_attention", "sliding_attention", "full_attention", "full_attention"]}""")]
    [TestCase("gemma3", """{"layer_types": null, "_sliding_window_pattern": 3, "query_pre_attn_scalar": 32}""")]
    [TestCase("gemma3", """{"layer_types": ["full_attention", "full_attention", "full_attention", "full_attention", "full_attention", "full_attention", "full_attention"]}""")]
    [TestCase("gpt_oss", """{"sliding_window": 5, "num_experts_per_tok": 2}""")]
    public void What_is_written_computes_the_same(string fixture, string options)
    {
        using EditedFolder source = new(fixture, config => With(config, options));
        using ReferenceFile reference = new(TestPaths.Shared("fixtures", fixture, "reference.safetensors"));
        int[][] ids = [reference.Ids()[0]];
        string path = Write(source.Path);
        using DecoderFixture written = new(path);
        float[][] expected = source.Logits(ids)[0], found = EditedFolder.LogitsOf(written, ids)[0];
        Assert.That(LogitsMeasure.Nmse(found, expected), Is.LessThanOrEqualTo(1e-9));

        // The option matters.
        Assert.That(LogitsMeasure.Nmse(reference.Rows().Take(ids[0].Length), expected), Is.GreaterThan(1e-4));
    }

    [TestCase("gpt_oss", """{"rope_scaling": """ + Yarn + """, "truncate": true}}""", "rotary frequency")]
    [TestCase("gpt_oss", """{"swiglu_limit": 5.0}""", "activation")]
    [TestCase("gpt_oss", """{"layer_types": ["full_attention", "sliding_attention", "full_attention", "sliding_attention"]}""", "window")]
    [TestCase("dots1", """{"layer_types": ["full_attention", "sliding_attention", "full_attention", "full_attention"]}""", "window")]
    [TestCase("llama", """{"rope_scaling": {"rope_type": "longrope", "short_factor": [1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1], "long_factor": [1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1], "original_max_position_embeddings": 64}}""", "longrope")]
    [TestCase("phi3_longrope", """{"rope_scaling": {"type": "longrope", "short_factor": [1,1,1,1,1,1,1,1], "long_factor": [1,1,1,1,1,1,1,2], "short_mscale": 1.5, "long_mscale": 1.25}}""", "within the original context")]
    public void What_has_no_place_is_refused_by_name(string fixture, string options, string named)
    {
        using EditedFolder source = new(fixture, config => With(config, options));
        Assert.That(() => Write(source.Path), Throws.InstanceOf<ModelFormatException>().With.Message.Contains(named));
        Assert.That(Directory.GetFiles(_folder.Path), Is.Empty);
    }

    private string Write(string source)
    {
        string path = _folder.Combine("out.gguf");
        using OpenedModel model = OpenedModel.Open(source);
        GgufExporter.Write(model, path, new ExportOptions { Mix = QuantisationMix.All.Single(mix => mix.Format == ElementFormat.BF16), Threads = 2 });
        return path;
    }

    private static JsonObject With(JsonObject config, string options)
    {
        foreach ((string key, JsonNode? value) in JsonNode.Parse(options)!.AsObject())
        {
            if (key.StartsWith("rope_", StringComparison.Ordinal) && value is JsonObject)
            {
                // In either generation of configurations, not in both.
                config.Remove(key == "rope_scaling" ? "rope_parameters" : "rope_scaling");
            }

            config[key] = value?.DeepClone();
        }

        return config;
    }
}
