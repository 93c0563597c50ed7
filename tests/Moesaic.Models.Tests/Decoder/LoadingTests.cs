using System.Text;
using Moesaic.Interop;
using Moesaic.Models.Checkpoints;
using Moesaic.Models.Checkpoints.Safetensors;
using Moesaic.Models.Configurations;
using Moesaic.Models.Decoder;
using Moesaic.Models.Families;
using Moesaic.TestSupport;

namespace Moesaic.Models.Tests.Decoder;

/// <summary>Ways for a weight to reach the device: as stored, expanded to float32, stacked, or not at all.</summary>
public sealed class LoadingTests
{
    private const string Weight = "model.layers.0.self_attn.o_proj.weight";
    private const string Config = """
        {"architectures":["LlamaForCausalLM"],"hidden_size":256,"intermediate_size":64,"num_attention_heads":4,"num_key_value_heads":2,
        "num_hidden_layers":1,"vocab_size":32,"rms_norm_eps":1e-5,"max_position_embeddings":64,"rope_theta":10000.0,"hidden_act":"silu"}
        """;

    private static readonly int[][] s_ids = [[1, 5, 9, 2, 30, 7]];

    private static IEnumerable<string> BlockTypes()
    {
        using SafetensorsFile blocks = SafetensorsFile.Open(TestPaths.TestData("gguf_blocks", "blocks.safetensors"));
        return [.. blocks.Tensors.Select(t => t.Name).Where(n => n.EndsWith(".blocks", StringComparison.Ordinal)).Select(n => n[..^".blocks".Length]).Where(n => WeightFormats.IsReadable(Enum.Parse<ElementFormat>(n)))];
    }

    [TestCaseSource(nameof(BlockTypes))]
    public void Every_block_type_runs_as_its_values_in_float32_do(string type)
    {
        using SafetensorsFile blocks = SafetensorsFile.Open(TestPaths.TestData("gguf_blocks", "blocks.safetensors"));
        int times = (int)(256 * 256 / blocks.GetTensor(type + ".values").ElementCount);
        byte[] stored = Tile(EditedCheckpoint.BytesOf(blocks.GetTensor(type + ".blocks")), times);
        byte[] values = Tile(EditedCheckpoint.BytesOf(blocks.GetTensor(type + ".values")), times);
        Assert.That(values, Has.Length.EqualTo(256 * 256 * sizeof(float)));
        (float[][] found, List<ExpandedWeights> announced) = Run(c => c.Set(Weight, Enum.Parse<ElementFormat>(type), [256, 256], stored));
        (float[][] expected, _) = Run(c => c.Set(Weight, ElementFormat.F32, [256, 256], values));
        if (announced is [{ } expanded])
        {
            Assert.That(found, Is.EqualTo(expected), "expanded exactly");
            Assert.That((expanded.Kind, expanded.Count, expanded.SourceBytes, expanded.ExpandedBytes), Is.EqualTo((type, 1, (long)stored.Length, 256L * 256 * 4)));
            Assert.That(expanded.ToString(), Does.Contain(type).And.Contain("262144"));
        }
        else
        {
            Assert.That(announced, Is.Empty);
            Assert.That(LogitsMeasure.Nmse(found, expected), Is.LessThanOrEqualTo(1e-9));
        }
    }

    [Test]
    public void The_factor_beside_nvfp4_blocks_is_applied()
    {
        using SafetensorsFile blocks = SafetensorsFile.Open(TestPaths.TestData("gguf_blocks", "blocks.safetensors"));
        float[] values = new float[blocks.GetTensor("NVFP4.values").ElementCount];
        int times = 256 * 256 / values.Length;
        byte[] stored = Tile(EditedCheckpoint.BytesOf(blocks.GetTensor("NVFP4.blocks")), times);
        blocks.GetTensor("NVFP4.values").CopyBytes(0, System.Runtime.InteropServices.MemoryMarshal.AsBytes(values.AsSpan()));
        float[] scaled = [.. Enumerable.Repeat(values, times).SelectMany(v => v).Select(v => v * 0.37f)];
        string scale = Weight.Replace(".weight", ".scale", StringComparison.Ordinal);
        (float[][] found, List<ExpandedWeights> announced) = Run(c =>
        {
            c.Set(Weight, ElementFormat.NVFP4, [256, 256], stored);
            c.Set(scale, [], [0.37f]);
        });
        (float[][] expected, _) = Run(c => c.Set(Weight, [256, 256], scaled));
        Assert.That(announced, Is.Empty);
        Assert.That(LogitsMeasure.Nmse(found, expected), Is.LessThanOrEqualTo(1e-9));
        Assert.That(
            () => Run(c =>
            {
                c.Set(Weight, ElementFormat.NVFP4, [256, 256], stored);
                c.Set(scale, [2], [1f, 1f]);
            }),
            Throws.TypeOf<ModelFormatException>().With.Message.Contains(scale));
        Assert.That(() => Run(c => c.Set(scale, [], [2f])), Throws.TypeOf<ModelFormatException>().With.Message.Contains(scale), "a factor for another type is not overlooked");
    }

    [Test]
    public void A_cancelled_load_stops_soon_and_leaves_nothing_behind()
    {
        using OpenedModel model = OpenedModel.Open(TestPaths.TestData("fixtures", "ling", "model.gguf"));
        using Device device = Device.Open(new DeviceOptions { NumThreads = 2 });
        LoadPlan plan = LoadPlan.Create(model.Description, model.Checkpoint);
        using CancellationTokenSource cancel = new();
        int steps = 0;
        LoadOptions options = new()
        {
            Cancellation = cancel.Token,
            Progress = _ =>
            {
                if (++steps == 3)
                {
                    cancel.Cancel();
                }
            },
        };
        Assert.That(() => DecoderLoader.Load(device, plan, options), Throws.InstanceOf<OperationCanceledException>());
        Assert.That(steps, Is.InRange(3, 4), "each of the two threads may finish the piece that it holds");
        using LoadedDecoder again = DecoderLoader.Load(device, plan);
        Assert.That(again.WeightBytes, Is.Positive, "checkpoint and device can be used as before");
    }

    [Test]
    public void Stacked_experts_run_as_single_ones_do()
    {
        using OpenedModel model = OpenedModel.Open(TestPaths.TestData("fixtures", "ling_mtp"));
        CompareStacked(model, "mlp.experts.{0}.", "gate_proj", "up_proj", "down_proj", "mlp.gate", "mlp.gate");
    }

    [Test]
    public void Stacked_experts_of_mixtral_run_as_single_ones_do()
    {
        using OpenedModel model = OpenedModel.Open(TestPaths.Shared("fixtures", "mixtral"));
        CompareStacked(model, "block_sparse_moe.experts.{0}.", "w1", "w3", "w2", "block_sparse_moe.gate", "mlp.gate");
    }

    private static void CompareStacked(OpenedModel model, string expert, string gate, string up, string down, string router, string newRouter)
    {
        using EditedCheckpoint stacked = EditedCheckpoint.CopyOf(model.Checkpoint);
        for (int layer = 0; layer < 64; layer++)
        {
            string prefix = $"model.layers.{layer}.";
            List<CheckpointTensor> gates = [], ups = [], downs = [];
            for (int e = 0; stacked.TryGetTensor(prefix + string.Format(System.Globalization.CultureInfo.InvariantCulture, expert, e) + gate + ".weight", out CheckpointTensor? first); e++)
            {
                string one = prefix + string.Format(System.Globalization.CultureInfo.InvariantCulture, expert, e);
                gates.Add(first);
                ups.Add(stacked.GetTensor(one + up + ".weight"));
                downs.Add(stacked.GetTensor(one + down + ".weight"));
            }

            if (gates.Count == 0)
            {
                continue;
            }

            (long width, long hidden) = (gates[0].Shape[0], gates[0].Shape[1]);
            stacked.Set(prefix + "mlp.experts.gate_up_proj", gates[0].Format, [gates.Count, 2 * width, hidden], [.. gates.Zip(ups).SelectMany(p => EditedCheckpoint.BytesOf(p.First).Concat(EditedCheckpoint.BytesOf(p.Second)))]);
            stacked.Set(prefix + "mlp.experts.down_proj", downs[0].Format, [gates.Count, hidden, width], [.. downs.SelectMany(EditedCheckpoint.BytesOf)]);
            gates.Concat(ups).Concat(downs).ToList().ForEach(t => stacked.Remove(t.Name));
            CheckpointTensor weights = stacked.GetTensor(prefix + router + ".weight");
            stacked.Remove(weights.Name);
            stacked.Set(prefix + newRouter + ".weight", weights.Format, weights.Shape, EditedCheckpoint.BytesOf(weights));
        }

        DecoderDescription description = ModelFamilies.Describe(model.HuggingFaceConfig!, stacked);
        Assert.That(Logits(description, stacked, []), Is.EqualTo(Logits(model.Description, model.Checkpoint, [])));
    }

    private static (float[][] Logits, List<ExpandedWeights> Announced) Run(Action<EditedCheckpoint> edit)
    {
        using EditedCheckpoint checkpoint = new();
        checkpoint.Set("lm_head.weight", [32, 256], new float[32 * 256]);
        HuggingFaceConfig config = HuggingFaceConfig.Parse(Encoding.UTF8.GetBytes(Config), "config.json");
        DecoderDescription description = ModelFamilies.Describe(config, checkpoint);
        Random random = new(7);
        foreach (MatrixSource matrix in DecoderTensors.Matrices(description, includeMtp: false))
        {
            checkpoint.Set(matrix.Name, [matrix.Rows, matrix.Cols], RandomValues(random, matrix.Count));
        }

        foreach (VectorSource vector in DecoderTensors.Vectors(description, includeMtp: false))
        {
            checkpoint.Set(vector.Tensor, vector.TensorShape, RandomValues(random, vector.Length));
        }

        edit(checkpoint);
        List<ExpandedWeights> announced = [];
        return (Logits(description, checkpoint, announced), announced);
    }

    private static float[][] Logits(DecoderDescription description, ICheckpoint checkpoint, List<ExpandedWeights> announced)
    {
        using Device device = Device.Open(new DeviceOptions { NumThreads = 2 });
        LoadPlan plan = LoadPlan.Create(description, checkpoint);
        using LoadedDecoder decoder = DecoderLoader.Load(device, plan, new LoadOptions { Announce = announced.Add });
        using DecoderExecutor executor = new(decoder, DecoderFixture.Reference with { MaxContext = 64, MaxTokens = 64, MaxLogitRows = 64, MaxSequences = 8, PageTokens = 16 });
        SequenceRunner runner = new(executor, s_ids);
        runner.Run(SequenceRunner.Alone(s_ids, 64));
        return runner.Logits[0];
    }

    private static float[] RandomValues(Random random, long count) => [.. Enumerable.Range(0, (int)count).Select(_ => (float)((random.NextDouble() - 0.5) * 0.4))];

    private static byte[] Tile(byte[] bytes, int times) => [.. Enumerable.Repeat(bytes, times).SelectMany(b => b)];
}
