using System.Buffers.Binary;
using System.Text.Json.Nodes;
using Moesaic.Interop;
using Moesaic.Models.Checkpoints;
using Moesaic.Models.Configurations;
using Moesaic.Models.Decoder;
using Moesaic.Models.Families;
using Moesaic.Models.Tests.Decoder;
using Moesaic.TestSupport;

namespace Moesaic.Models.Tests.Quantised;

/// <summary>Quantised checkpoints that contradict themselves or hold nonsense give one error that names the tensor.</summary>
public sealed class DamagedQuantisedTests
{
    private const string Layer = "model.layers.0.self_attn.o_proj.";

    [TestCase("gptq", "qweight", "I32", "32,255")]
    [TestCase("gptq", "qzeros", "I32", "3,32")]
    [TestCase("gptq", "scales", "F16", "2,255")]
    [TestCase("gptq", "scales", "I16", "2,256")]
    [TestCase("gptq", "g_idx", "I32", "255")]
    [TestCase("gptq", "g_idx", "I64", "256")]
    [TestCase("awq", "qweight", "I32", "255,32")]
    [TestCase("awq", "qzeros", "I32", "2,31")]
    [TestCase("ct_w4a16", "weight_packed", "I32", "256,31")]
    [TestCase("ct_w4a16", "weight_scale", "BF16", "256,3")]
    [TestCase("ct_w4a16_asym", "weight_zero_point", "I32", "256,2")]
    [TestCase("ct_w4a16", "weight_shape", "I64", "3")]
    [TestCase("fp8_channel", "weight_scale", "F32", "255,1")]
    [TestCase("fp8_tensor", "weight_scale", "F32", "2")]
    [TestCase("int8_channel", "weight", "I8", "256,255")]
    public void A_wrong_type_or_shape_is_named(string fixture, string part, string type, string shape)
    {
        long[] dimensions = [.. shape.Split(',').Select(long.Parse)];
        ElementFormat format = Enum.Parse<ElementFormat>(type);
        _ = ElementFormats.TryGetBlock(format, out _, out int bytes);
        ModelFormatException error = Refused(fixture, c => c.Set(Layer + part, format, [.. dimensions], new byte[dimensions.Aggregate(1L, (a, b) => a * b) * bytes]));
        Assert.That(error.Field, Is.EqualTo(Layer + part), error.Message);
    }

    [TestCase("gptq", "qzeros")]
    [TestCase("gptq", "scales")]
    [TestCase("awq", "scales")]
    [TestCase("ct_w4a16", "weight_scale")]
    [TestCase("ct_w4a16_asym", "weight_zero_point")]
    [TestCase("fp8_channel", "weight_scale")]
    [TestCase("int8_channel", "weight_scale")]
    public void A_missing_part_is_named(string fixture, string part)
    {
        ModelFormatException error = Refused(fixture, c => c.Remove(Layer + part));
        Assert.That(error.Field, Is.EqualTo(Layer + part), error.Message);
    }

    [TestCase("gptq", "scales", 0xFC00, 2)]
    [TestCase("awq", "scales", 0x7E00, 2)]
    [TestCase("ct_w4a16", "weight_scale", 0x7F80, 2)]
    [TestCase("fp8_channel", "weight_scale", 0x7FC00000, 4)]
    [TestCase("int8_channel", "weight_scale", 0x7F800000, 4)]
    [TestCase("fp8_tensor", "weight", 0x7F, 1)]
    [TestCase("gptq", "g_idx", 2, 4)]
    [TestCase("gptq_act_order", "g_idx", -5, 4)]
    [TestCase("ct_w4a16", "weight_shape", 257, 4)]
    public void A_damaged_value_is_named(string fixture, string part, int value, int bytes)
    {
        ModelFormatException error = Refused(fixture, c =>
        {
            CheckpointTensor tensor = c.GetTensor(Layer + part);
            byte[] data = EditedCheckpoint.BytesOf(tensor);
            byte[] stored = new byte[4];
            BinaryPrimitives.WriteInt32LittleEndian(stored, value);
            stored[..bytes].CopyTo(data, 0);
            c.Set(tensor.Name, tensor.Format, tensor.Shape, data);
        });
        Assert.That(error.Field, Is.EqualTo(Layer + part), error.Message);
    }

    [TestCase("gptq", "bits", "8")]
    [TestCase("gptq", "group_size", "64")]
    [TestCase("gptq", "dynamic", "{\"-:.*o_proj\":{}}")]
    [TestCase("awq", "group_size", "32")]
    [TestCase("fp8_channel", "ignore", "[\"re:.*o_proj\"]")]
    [TestCase("ct_w4a16", "ignore", "[\"lm_head\",\"model.layers.0.self_attn.o_proj\"]")]
    public void Settings_that_contradict_the_tensors_are_refused(string fixture, string key, string value)
    {
        ModelFormatException error = Refused(fixture, static _ => { }, settings => settings[key] = JsonNode.Parse(value));
        Assert.That(error.Field, Does.Contain("proj"), error.Message);
    }

    [Test]
    public void Tensors_that_no_weight_has_are_refused()
    {
        ModelFormatException error = Refused("gptq", c => c.Set(Layer + "weight_scale", [1], [1f]));
        Assert.That(error.Field, Is.EqualTo(Layer + "weight_scale"));
    }

    [Test]
    public void Scales_of_a_quantised_cache_are_ignored_by_name()
    {
        using SafetensorsCopy copy = new("fp8_channel");
        copy.Checkpoint.Set("model.layers.0.self_attn.k_scale", [1], [1f]);
        LoadPlan plan = LoadPlan.Create(copy.Describe(), copy.Checkpoint);
        Assert.That(plan.Ignored.Select(i => i.Tensor.Name), Is.EqualTo(new[] { "model.layers.0.self_attn.k_scale" }));
    }

    [TestCase("gptq_act_order")]
    [TestCase("ct_w4a16_asym")]
    [TestCase("awq")]
    [TestCase("fp8_tensor")]
    public void Mutated_checkpoints_load_or_give_the_one_exception(string fixture)
    {
        Random random = new(5);
        int refused = 0;
        using Device device = Device.Open(new DeviceOptions { NumThreads = 2 });
        for (int i = 0; i < 40; i++)
        {
            using SafetensorsCopy copy = new(fixture);
            CheckpointTensor[] candidates = [.. copy.Checkpoint.Tensors.Where(t => t.Name.Contains("proj", StringComparison.Ordinal))];
            CheckpointTensor tensor = candidates[random.Next(candidates.Length)];
            byte[] data = EditedCheckpoint.BytesOf(tensor);
            for (int flips = random.Next(1, 200); flips > 0; flips--)
            {
                data[random.Next(data.Length)] = (byte)random.Next(256);
            }

            bool reshape = random.Next(4) == 0;
            copy.Checkpoint.Set(tensor.Name, tensor.Format, reshape ? [.. tensor.Shape.Reverse()] : tensor.Shape, data);
            try
            {
                using LoadedDecoder decoder = DecoderLoader.Load(device, LoadPlan.Create(copy.Describe(), copy.Checkpoint));
            }
            catch (ModelFormatException)
            {
                refused++;
            }
        }

        Assert.That(refused, Is.GreaterThan(2));
    }

    private static ModelFormatException Refused(string fixture, Action<EditedCheckpoint> edit, Action<JsonObject>? settings = null)
    {
        using SafetensorsCopy copy = new(fixture);
        edit(copy.Checkpoint);
        using Device device = Device.Open(new DeviceOptions { NumThreads = 2 });
        return Assert.Throws<ModelFormatException>(() =>
        {
            using LoadedDecoder decoder = DecoderLoader.Load(device, LoadPlan.Create(copy.Describe(settings), copy.Checkpoint));
        })!;
    }

    /// <summary>A fixture in memory.</summary>
    private sealed class SafetensorsCopy : IDisposable
    {
        private readonly string _folder;

        public SafetensorsCopy(string fixture)
        {
            _folder = TestPaths.Shared("fixtures_quantised", fixture);
            using ICheckpoint original = ModelLocation.Resolve(_folder).OpenCheckpoint();
            Checkpoint = EditedCheckpoint.CopyOf(original);
        }

        public EditedCheckpoint Checkpoint { get; }

        public DecoderDescription Describe(Action<JsonObject>? settings = null)
        {
            JsonObject config = JsonNode.Parse(File.ReadAllText(Path.Combine(_folder, "config.json")))!.AsObject();
            settings?.Invoke(config["quantization_config"]!.AsObject());
            return ModelFamilies.Describe(HuggingFaceConfig.Parse(System.Text.Encoding.UTF8.GetBytes(config.ToJsonString()), "config.json"), Checkpoint);
        }

        public void Dispose() => Checkpoint.Dispose();
    }
}
