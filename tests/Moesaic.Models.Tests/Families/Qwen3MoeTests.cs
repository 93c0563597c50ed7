using System.Text.Json.Nodes;
using Moesaic.Interop;
using Moesaic.Models.Checkpoints;
using Moesaic.Models.Checkpoints.Safetensors;
using Moesaic.Models.Configurations;
using Moesaic.Models.Decoder;
using Moesaic.Models.Families;
using Moesaic.Models.Tests.Decoder;
using Moesaic.TestSupport;

namespace Moesaic.Models.Tests.Families;

[TestFixture("qwen3_moe", Containers.Both)]
public sealed class Qwen3MoeTests(string name, Containers containers) : FamilyTests(name, containers)
{
    /// <summary>As transformers 5 saves experts: one tensor [experts, 2 * width, hidden] of gate and up, one of down.</summary>
    [Test]
    public void Stacked_experts_are_the_same_model()
    {
        using OpenedModel model = OpenedModel.Open(TestPaths.Shared("fixtures", Name));
        using EditedCheckpoint stacked = EditedCheckpoint.CopyOf(model.Checkpoint);
        for (int layer = 0; layer < 4; layer++)
        {
            string prefix = $"model.layers.{layer}.mlp.experts.";
            byte[] Take(int expert, string part)
            {
                string tensor = $"{prefix}{expert}.{part}_proj.weight";
                stacked.Remove(tensor);
                return EditedCheckpoint.BytesOf(model.Checkpoint.GetTensor(tensor));
            }

            stacked.Set(prefix + "gate_up_proj", ElementFormat.BF16, [16, 96, 64], [.. Enumerable.Range(0, 16).SelectMany(e => Take(e, "gate").Concat(Take(e, "up")))]);
            stacked.Set(prefix + "down_proj", ElementFormat.BF16, [16, 64, 48], [.. Enumerable.Range(0, 16).SelectMany(e => Take(e, "down"))]);
        }

        DecoderDescription described = ModelFamilies.Describe(HuggingFaceConfig.Load(TestPaths.Shared("fixtures", Name, "config.json")), stacked);
        using Device device = Device.Open(new DeviceOptions { NumThreads = 1 });
        using LoadedDecoder decoder = DecoderLoader.Load(device, LoadPlan.Create(described, stacked));
        using DecoderExecutor executor = new(decoder, DecoderFixture.Reference with { MaxContext = 256, MaxTokens = 64, MaxLogitRows = 64, MaxSequences = 8, PageTokens = 16 });
        using ReferenceFile reference = OpenReference();
        int[][] ids = reference.Ids();
        SequenceRunner runner = new(executor, ids);
        runner.Run(SequenceRunner.Alone(ids, 64));
        Assert.That(LogitsMeasure.Nmse(runner.Logits.SelectMany(s => s), reference.Rows()), Is.LessThanOrEqualTo(Tolerance));
    }

    [TestCase("2", "[]", "DMDM")]
    [TestCase("1", "[0, 3]", "DMMD")]
    [TestCase("2", "[3]", "DMDD")]
    public void Dense_layers_are_those_of_the_configuration(string step, string dense, string expected)
    {
        using EditedFolder folder = new("qwen3_moe", c =>
        {
            c["decoder_sparse_step"] = JsonNode.Parse(step);
            c["mlp_only_layers"] = JsonNode.Parse(dense);
            return c;
        });
        using SafetensorsFile names = SafetensorsFile.Open(Path.Combine(folder.Path, "model.safetensors"));
        DecoderDescription decoder = ModelFamilies.Describe(HuggingFaceConfig.Load(Path.Combine(folder.Path, "config.json")), names);
        Assert.That(string.Concat(decoder.Layers.Select(l => l.FeedForward is MoeDescription ? 'M' : 'D')), Is.EqualTo(expected));
        Assert.That(decoder.Layers[0].FeedForward is not MlpDescription mlp || mlp.Width == 128, "dense layers have intermediate_size rows");
    }

    [TestCase("mlp_only_layers", "[4]")]
    [TestCase("shared_expert_intermediate_size", "64")]
    [TestCase("num_experts", "8")]
    public void Options_that_are_not_supported_are_refused_by_name(string key, string value)
    {
        using EditedFolder folder = new("qwen3_moe", c =>
        {
            c[key] = JsonNode.Parse(value);
            return c;
        });
        Assert.That(folder.Describe, Throws.TypeOf<ModelFormatException>().With.Message.Contains(key).Or.With.Message.Contains("num_local_experts"));
    }
}
