using System.Text.Json.Nodes;
using Moesaic.Models.Decoder;
using Moesaic.Models.Tests.Decoder;
using Moesaic.TestSupport;

namespace Moesaic.Models.Tests.Families;

[TestFixture("gemma3", Containers.HuggingFace)]
public sealed class Gemma3Tests(string name, Containers containers) : FamilyTests(name, containers)
{
    /// <summary>
    /// The format has no place for the fixture's query_pre_attn_scalar of 40; a GGUF file is the model whose scalar is the head
    /// width, as it is in all released models but the one with 62 layers.
    /// </summary>
    [Test]
    public void Gguf_file_is_the_model_whose_scalar_is_the_head_width()
    {
        string path = TestPaths.Shared("fixtures_gguf", "gemma3.gguf");
        DescriptionCheck.Check(path);
        using EditedFolder folder = new("gemma3", c =>
        {
            c["query_pre_attn_scalar"] = 32;
            return c;
        });
        using DecoderFixture gguf = new(path);
        using ReferenceFile reference = OpenReference();
        int[][] ids = reference.Ids();
        double nmse = LogitsMeasure.Nmse(EditedFolder.LogitsOf(gguf, ids).SelectMany(s => s), folder.Logits(ids).SelectMany(s => s));
        TestContext.Out.WriteLine($"NMSE {nmse:E2}");
        Assert.That(nmse, Is.LessThanOrEqualTo(Tolerance));
    }

    [Test]
    public void Windowed_and_global_layers_have_rotations_and_cache_groups_of_their_own()
    {
        using EditedFolder folder = new("gemma3", c => c);
        DecoderDescription decoder = folder.Describe();
        Assert.That(decoder.Layers.Select(l => l.Attention.Window), Is.EqualTo(new[] { 16, 16, 16, 16, 16, 0, 16 }));
        Assert.That(decoder.Layers.Select(l => l.Attention.Rope), Is.EqualTo(new[] { 1, 1, 1, 1, 1, 0, 1 }));
        Assert.That(decoder.KvGroups.Select(g => (g.Window, g.Layers.Length)), Is.EqualTo(new[] { (16, 6), (0, 1) }));
        Assert.That(decoder.Ropes.Select(r => r.InverseFrequencies[1]), Is.EqualTo(new[] { (float)Math.Pow(1e6, -1 / 16.0), (float)Math.Pow(1e4, -1 / 16.0) }));
        Assert.That(decoder.EmbeddingScale, Is.EqualTo(8));
        Assert.That(decoder.OutputHead, Is.Null, "the embedding is the head");
        Assert.That(decoder.Layers[0].Attention.Scale, Is.EqualTo((float)(1 / Math.Sqrt(40))));
    }

    /// <summary>As transformers 4 wrote it: the pattern in place of a list, two thetas, linear scaling of the global layers beside them.</summary>
    [Test]
    public void Both_generations_of_configurations_are_read([Values] bool scaled)
    {
        using EditedFolder current = new("gemma3", c =>
        {
            c.Remove("_sliding_window_pattern");
            if (scaled)
            {
                JsonObject global = c["rope_parameters"]!["full_attention"]!.AsObject();
                global["rope_type"] = "linear";
                global["factor"] = 8;
            }

            return c;
        });
        using EditedFolder former = new("gemma3", c =>
        {
            c.Remove("rope_parameters");
            c.Remove("layer_types");
            c.Remove("_sliding_window_pattern");
            c.Remove("query_pre_attn_scalar");
            c["query_pre_attn_scalar"] = 40;
            c["sliding_window_pattern"] = 6;
            c["rope_theta"] = 1e6;
            c["rope_local_base_freq"] = 1e4;
            c["rope_scaling"] = scaled ? new JsonObject { ["rope_type"] = "linear", ["factor"] = 8 } : null;
            c["cache_implementation"] = "hybrid";
            return c;
        });
        DecoderDescription a = current.Describe(), b = former.Describe();
        for (int rope = 0; rope < 2; rope++)
        {
            Assert.That(b.Ropes[rope].InverseFrequencies, Is.EqualTo(a.Ropes[rope].InverseFrequencies));
        }

        Assert.That(a.Ropes[0].InverseFrequencies[3], Is.EqualTo((float)(Math.Pow(1e6, -3 / 16.0) / (scaled ? 8 : 1))));
        Assert.That(a.Ropes[1].InverseFrequencies[3], Is.EqualTo((float)Math.Pow(1e4, -3 / 16.0)), "only global layers are scaled");
        Assert.That(b.Layers.Select(l => l.Attention.Window), Is.EqualTo(a.Layers.Select(l => l.Attention.Window)));
        using ReferenceFile reference = OpenReference();
        int[][] ids = reference.Ids();
        double nmse = LogitsMeasure.Nmse(former.Logits(ids).SelectMany(s => s), reference.Rows());
        Assert.That(nmse, scaled ? Is.GreaterThan(1e-4) : Is.LessThanOrEqualTo(Tolerance));
    }

    /// <summary>The text model inside a multimodal checkpoint, with both spellings of its tensors' names; images are left out and listed.</summary>
    [Test]
    public void Text_model_of_a_multimodal_checkpoint([Values("language_model.model.", "model.language_model.")] string prefix)
    {
        string vision = prefix.StartsWith("model.", StringComparison.Ordinal) ? "model.vision_tower.x.weight" : "vision_tower.x.weight";
        using EditedFolder folder = new("gemma3", Nested, n => prefix + n["model.".Length..], vision);
        using ReferenceFile reference = OpenReference();
        Assert.That(LogitsMeasure.Nmse(folder.Logits(reference.Ids()).SelectMany(s => s), reference.Rows()), Is.LessThanOrEqualTo(Tolerance));

        static JsonObject Nested(JsonObject text)
        {
            text.Remove("architectures");
            return new JsonObject
            {
                ["architectures"] = new JsonArray("Gemma3ForConditionalGeneration"),
                ["model_type"] = "gemma3",
                ["boi_token_index"] = 255999,
                ["mm_tokens_per_image"] = 256,
                ["text_config"] = text,
                ["vision_config"] = new JsonObject { ["hidden_size"] = 8 },
            };
        }
    }

    [TestCase("final_logit_softcapping", "30.0")]
    [TestCase("attn_logit_softcapping", "50.0")]
    [TestCase("use_bidirectional_attention", "true")]
    [TestCase("attention_bias", "true")]
    [TestCase("hidden_activation", "\"relu\"")]
    [TestCase("new_option", "1")]
    public void Options_that_are_not_supported_are_refused_by_name(string key, string value)
    {
        using EditedFolder folder = new("gemma3", c =>
        {
            c[key] = JsonNode.Parse(value);
            return c;
        });
        Assert.That(folder.Describe, Throws.TypeOf<ModelFormatException>().With.Message.Contains(key));
    }
}
