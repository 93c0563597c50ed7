using System.Globalization;
using Moesaic.Models.Checkpoints;
using Moesaic.Models.Checkpoints.Safetensors;
using Moesaic.Models.Decoder;
using Moesaic.Models.Export;
using Moesaic.Models.Families;
using Moesaic.Models.Tests.Decoder;
using Moesaic.TestSupport;

namespace Moesaic.Models.Tests.Export;

/// <summary>Mixes and importance, on a Llama whose rows fit blocks of 256.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class MixTests : IDisposable
{
    private const int Hidden = 256;
    private readonly TemporaryFolder _folder = new();

    [SetUp]
    public void CreateModel() => WriteModel(_folder.Path);

    public void Dispose() => _folder.Dispose();

    [TestCase("q3_k_m", "q3_k", ElementFormat.Q5_K)]
    [TestCase("q4_k_m", "q4_k", ElementFormat.Q6_K)]
    [TestCase("q5_k_m", "q5_k", ElementFormat.Q8_0)]
    public void A_mix_spends_its_bytes_where_the_error_falls_most(string type, string plain, ElementFormat better)
    {
        ExportReport mixed = Write(type), all = Write(plain);
        long before = Matrices(all).Sum(t => t.Bytes), after = Matrices(mixed).Sum(t => t.Bytes);
        Assert.That(after, Is.InRange(before + 1, before * 1.1));
        ExportedTensor[] raised = [.. Matrices(mixed).Where(t => t.Format == better)];
        Assert.That(raised, Is.Not.Empty);
        Assert.That(mixed.Tensors.All(t => !t.IsFallback));
        foreach ((ExportedTensor a, ExportedTensor b) in mixed.Tensors.Zip(all.Tensors))
        {
            Assert.That(a.RelativeError, raised.Contains(a) ? Is.LessThan(b.RelativeError * 0.7) : Is.EqualTo(b.RelativeError), a.Name);
        }

        // The matrix with heavy tails has the largest error of its size.
        Assert.That(raised.Select(t => t.Name), Does.Contain("blk.0.attn_v.weight"));
    }

    [TestCase("q2_k")]
    [TestCase("q4_k")]
    [TestCase("iq4_xs")]
    [TestCase("q4_0")]
    public void Importance_lowers_the_error_of_the_products(string type)
    {
        // Inputs of a few columns are much larger than the others'.
        Random random = new(9);
        float[] inputs = [.. Enumerable.Range(0, 64 * Hidden).Select(i => (float)((random.NextDouble() - 0.5) * (i % Hidden % 17 == 0 ? 30 : 1)))];
        ImportanceMatrix importance = new();
        importance.Add("model.layers.0.mlp.up_proj.weight", inputs, Hidden);
        string with = _folder.Combine("with.gguf"), without = _folder.Combine("without.gguf");
        using OpenedModel model = OpenedModel.Open(_folder.Path);
        GgufExporter.Write(model, with, Options(type) with { Importance = importance });
        GgufExporter.Write(model, without, Options(type));
        Assert.That(ProductError(model, with, inputs), Is.LessThan(0.9 * ProductError(model, without, inputs)));
    }

    // The squared error of the logits is about twice that of the weights in this shallow model. The limits of the weights' errors are
    // those of normal values (BlockQuantiserTests).
    [TestCase("q8_0", 0.0055)]
    [TestCase("q6_k", 0.02)]
    [TestCase("q5_k", 0.04)]
    [TestCase("q4_k", 0.08)]
    [TestCase("iq4_xs", 0.1)]
    [TestCase("q3_k", 0.17)]
    [TestCase("q2_k", 0.3)]
    public void Logits_are_as_near_as_the_weights(string type, double relative)
    {
        float[][] exact = Logits(Write("f32")), found = Logits(Write(type));
        double nmse = LogitsMeasure.Nmse(found, exact);
        TestContext.Out.WriteLine($"{type}: NMSE {nmse:E2}, {nmse / relative / relative:F1} times the squared error of the weights");
        Assert.That(nmse, Is.LessThan(4 * relative * relative).And.GreaterThan(0.1 * relative * relative));
    }

    private static float[][] Logits(ExportReport report)
    {
        using DecoderFixture fixture = new(report.Path);
        Random random = new(6);
        int[][] ids = [[.. Enumerable.Range(0, 48).Select(_ => random.Next(512))]];
        using DecoderExecutor executor = fixture.Executor(DecoderFixture.Reference);
        SequenceRunner runner = new(executor, ids);
        runner.Run(SequenceRunner.Alone(ids, 512));
        return runner.Logits[0];
    }

    private static double ProductError(OpenedModel source, string path, float[] inputs)
    {
        using OpenedModel written = OpenedModel.Open(path);
        float[] a = Values(source.Checkpoint.GetTensor("model.layers.0.mlp.up_proj.weight")), b = Values(written.Checkpoint.GetTensor("blk.0.ffn_up.weight"));
        double error = 0;
        for (int row = 0; row < 64; row++)
        {
            for (int i = 0; i < inputs.Length; i += Hidden)
            {
                double difference = 0;
                for (int k = 0; k < Hidden; k++)
                {
                    difference += ((double)a[(row * Hidden) + k] - b[(row * Hidden) + k]) * inputs[i + k];
                }

                error += difference * difference;
            }
        }

        return error;
    }

    private static float[] Values(CheckpointTensor tensor)
    {
        byte[] bytes = new byte[tensor.ByteLength];
        tensor.CopyBytes(0, bytes);
        float[] values = new float[tensor.ElementCount];
        Interop.Dequantizer.Dequantize((Interop.TensorFormat)tensor.Format, bytes, values);
        return values;
    }

    private ExportReport Write(string type)
    {
        using OpenedModel model = OpenedModel.Open(_folder.Path);
        return GgufExporter.Write(model, _folder.Combine(type + ".gguf"), Options(type));
    }

    private static ExportOptions Options(string type) => new() { Mix = QuantisationMix.All.Single(m => m.Name == type), Threads = 2 };

    private static IEnumerable<ExportedTensor> Matrices(ExportReport report) => report.Tensors.Where(t => t.Shape.Length > 1);

    private static void WriteModel(string folder)
    {
        File.WriteAllText(Path.Combine(folder, "config.json"), string.Create(CultureInfo.InvariantCulture, $$"""
            {"architectures": ["LlamaForCausalLM"], "vocab_size": 512, "hidden_size": {{Hidden}}, "intermediate_size": 512, "num_hidden_layers": 2, "num_attention_heads": 4,
             "max_position_embeddings": 64, "rms_norm_eps": 1e-5, "tie_word_embeddings": true}
            """));
        List<(string Name, long[] Shape)> tensors = [("model.embed_tokens.weight", [512, Hidden]), ("model.norm.weight", [Hidden])];
        for (int layer = 0; layer < 2; layer++)
        {
            string prefix = $"model.layers.{layer}.";
            tensors.AddRange(new[] { "input_layernorm", "post_attention_layernorm" }.Select(n => (prefix + n + ".weight", new long[] { Hidden })));
            tensors.AddRange(new[] { "q_proj", "k_proj", "v_proj", "o_proj" }.Select(n => ($"{prefix}self_attn.{n}.weight", new long[] { Hidden, Hidden })));
            tensors.AddRange([($"{prefix}mlp.gate_proj.weight", [512, Hidden]), ($"{prefix}mlp.up_proj.weight", [512, Hidden]), ($"{prefix}mlp.down_proj.weight", [Hidden, 512])]);
        }

        Random random = new(4);
        using SafetensorsWriter writer = new(Path.Combine(folder, "model.safetensors"), [.. tensors.Select(t => new SafetensorsTensorSpec(t.Name, ElementFormat.F32, t.Shape))]);
        foreach ((string name, long[] shape) in tensors)
        {
            bool heavy = name == "model.layers.0.self_attn.v_proj.weight";
            writer.Write<float>(name, [.. Enumerable.Range(0, (int)shape.Aggregate((a, b) => a * b)).Select(i =>
                (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()) * (heavy && i % 37 == 0 ? 0.4 : 0.05)))]);
        }

        writer.Complete();
    }
}
