using System.Text.Json.Nodes;
using Moesaic.Models.Decoder;
using Moesaic.Models.Families;
using Moesaic.TestSupport;

namespace Moesaic.Models.Tests.Decoder;

/// <summary>Checkpoints that contradict themselves are refused with one error that names the field; nothing else is ever thrown.</summary>
public sealed class BadModelTests
{
    private string _folder = string.Empty;

    [SetUp]
    public void CreateFolder() => _folder = Directory.CreateTempSubdirectory("moesaic").FullName;

    [TearDown]
    public void DeleteFolder() => Directory.Delete(_folder, recursive: true);

    [TestCase("hidden_size", "65", "num_attention_heads|hidden_size|weight")]
    [TestCase("hidden_size", "-1", "hidden_size")]
    [TestCase("hidden_size", "1099511627776", "hidden_size")]
    [TestCase("num_hidden_layers", "5", "weight")]
    [TestCase("num_hidden_layers", "3", "model.layers.3")]
    [TestCase("num_attention_heads", "3", "num_attention_heads")]
    [TestCase("num_key_value_heads", "0", "num_key_value_heads")]
    [TestCase("head_dim", "31", "head_dim")]
    [TestCase("vocab_size", "511", "weight")]
    [TestCase("vocab_size", "2147483647", "vocab_size")]
    [TestCase("intermediate_size", "127", "weight")]
    [TestCase("rms_norm_eps", "0", "rms_norm_eps")]
    [TestCase("hidden_act", "\"gelu\"", "hidden_act")]
    [TestCase("tie_word_embeddings", "1", "tie_word_embeddings")]
    [TestCase("architectures", "[\"SomethingElse\"]", "architectures")]
    [TestCase("attn_logit_softcapping", "50.0", "attn_logit_softcapping")]
    [TestCase("quantization_config", "{\"quant_method\":\"gptq\"}", "quantization_config")]
    [TestCase("num_experts", "0", "num_experts")]
    [TestCase("num_experts_per_tok", "17", "num_experts_per_tok")]
    [TestCase("n_group", "3", "n_group")]
    [TestCase("topk_group", "5", "topk_group")]
    [TestCase("score_function", "\"softmax\"", "score_function")]
    [TestCase("norm_head", "true", "norm_head")]
    [TestCase("first_k_dense_replace", "2", "weight")]
    [TestCase("partial_rotary_factor", "1.5", "partial_rotary_factor")]
    [TestCase("rope_scaling", "{\"type\":\"unheard-of\"}", "type")]
    public void A_wrong_setting_is_named(string key, string value, string field)
    {
        string config = File.ReadAllText(TestPaths.TestData("fixtures", "ling_mtp", "config.json"));
        JsonObject root = JsonNode.Parse(config)!.AsObject();
        root[key] = JsonNode.Parse(value);
        ModelFormatException error = Assert.Throws<ModelFormatException>(() => Plan(root.ToJsonString()))!;
        Assert.That(field.Split('|').Any(f => error.Field.Contains(f, StringComparison.Ordinal)), Is.True, error.Message);
    }

    [TestCase("n_group", "0")]
    [TestCase("n_group", "1")]
    [TestCase("n_group", "null")]
    public void Groups_may_be_switched_off_in_any_spelling(string key, string value)
    {
        JsonObject root = JsonNode.Parse(File.ReadAllText(TestPaths.TestData("fixtures", "ling_mtp", "config.json")))!.AsObject();
        root[key] = JsonNode.Parse(value);
        RouterDescription router = Plan(root.ToJsonString()).Layers.Select(l => l.FeedForward).OfType<MoeDescription>().First().Router;
        Assert.That((router.NumGroups, router.KeptGroups), Is.EqualTo((1, 1)));
    }

    [Test]
    public void Prediction_layers_that_the_configuration_does_not_count_are_ignored_by_name()
    {
        JsonObject root = JsonNode.Parse(File.ReadAllText(TestPaths.TestData("fixtures", "ling_mtp", "config.json")))!.AsObject();
        root["num_nextn_predict_layers"] = 0;
        Assert.That(Plan(root.ToJsonString()).MtpLayers, Is.Empty);
    }

    [Test]
    public void Mutated_configurations_give_a_plan_or_the_one_exception()
    {
        byte[] seed = File.ReadAllBytes(TestPaths.TestData("fixtures", "ling_mtp", "config.json"));
        JsonObject original = JsonNode.Parse(seed)!.AsObject();
        string[] values = ["null", "true", "0", "1", "-1", "2", "3", "0.5", "1e30", "2147483647", "4294967296", "9223372036854775807", "\"x\"", "[]", "{}", "[1]", "[\"full_attention\"]", "{\"factor\":0}"];
        int refused = 0, planned = 0;
        foreach ((string key, _) in original)
        {
            foreach (string value in values)
            {
                JsonObject mutated = original.DeepClone().AsObject();
                mutated[key] = JsonNode.Parse(value);
                try
                {
                    Plan(mutated.ToJsonString());
                    planned++;
                }
                catch (ModelFormatException)
                {
                    refused++;
                }
            }
        }

        Assert.That(refused, Is.GreaterThan(100));
        Assert.That(planned, Is.GreaterThan(100));
    }

    [Test]
    public void Mutated_gguf_files_give_a_plan_or_the_one_exception()
    {
        byte[] seed = File.ReadAllBytes(TestPaths.TestData("fixtures", "ling", "model.gguf"));
        Random random = new(11);
        string path = Path.Combine(_folder, "model.gguf");
        int refused = 0;
        for (int i = 0; i < 300; i++)
        {
            // The header is where names, shapes, types and hyper-parameters are.
            byte[] mutated = (byte[])seed.Clone();
            for (int flips = random.Next(1, 4); flips > 0; flips--)
            {
                mutated[random.Next(24, 24_000)] = (byte)random.Next(256);
            }

            File.WriteAllBytes(path, mutated);
            try
            {
                using OpenedModel model = OpenedModel.Open(path);
                LoadPlan.Create(model.Description, model.Checkpoint);
            }
            catch (ModelFormatException)
            {
                refused++;
            }
        }

        Assert.That(refused, Is.GreaterThan(20));
    }

    private DecoderDescription Plan(string config)
    {
        string weights = Path.Combine(_folder, "model.safetensors");
        if (!File.Exists(weights))
        {
            File.Copy(TestPaths.TestData("fixtures", "ling_mtp", "model.safetensors"), weights);
        }

        File.WriteAllText(Path.Combine(_folder, "config.json"), config);
        using OpenedModel model = OpenedModel.Open(_folder);
        LoadPlan.Create(model.Description, model.Checkpoint);
        return model.Description;
    }
}
