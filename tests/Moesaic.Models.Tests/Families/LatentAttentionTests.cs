using System.Runtime.InteropServices;
using Moesaic.Interop;
using Moesaic.Models.Checkpoints;
using Moesaic.Models.Decoder;
using Moesaic.Models.Families;
using Moesaic.Models.Tests.Decoder;
using Moesaic.TestSupport;

namespace Moesaic.Models.Tests.Families;

/// <summary>The forms of latent attention, what they cache, and key maps that are stored quantised.</summary>
[TestFixture("deepseek_v2", true)]
[TestFixture("deepseek_v2_lite", false)]
[TestFixture("deepseek_v3", true)]
public sealed class LatentAttentionTests(string name, bool hasGguf)
{
    private IEnumerable<string> Checkpoints => hasGguf
        ? [TestPaths.Shared("fixtures", name), TestPaths.Shared("fixtures_gguf", name + ".gguf")]
        : [TestPaths.Shared("fixtures", name)];

    [Test]
    public void Expanded_and_absorbed_agree()
    {
        foreach (string path in Checkpoints)
        {
            using ReferenceFile reference = new(TestPaths.Shared("fixtures", name, "reference.safetensors"));
            int[][] ids = reference.Ids();
            float[][][] absorbed = Run(path, LatentForm.Absorbed, DecoderFixture.Reference, ids, SequenceRunner.Alone(ids, 512));
            float[][][] expanded = Run(path, LatentForm.Expanded, DecoderFixture.Reference, ids, SequenceRunner.Alone(ids, 512));
            double between = LogitsMeasure.Nmse(expanded.SelectMany(s => s), absorbed.SelectMany(s => s));
            TestContext.Out.WriteLine($"{path}: NMSE {between:E2}");
            Assert.That(between, Is.LessThanOrEqualTo(1e-6).And.GreaterThan(0), "the forms differ in their rounding, else one of them was not run");
            Assert.That(LogitsMeasure.Nmse(expanded.SelectMany(s => s), reference.Rows()), Is.LessThanOrEqualTo(1e-6));
        }
    }

    [Test]
    public void The_expanded_form_has_equal_bits_in_any_chunks([Values(KvFormat.F32, KvFormat.BF16, KvFormat.Int8)] KvFormat format)
    {
        foreach (string path in Checkpoints)
        {
            using ReferenceFile reference = new(TestPaths.Shared("fixtures", name, "reference.safetensors"));
            int[][] ids = reference.Ids();
            ExecutorOptions options = DecoderFixture.Fast with { KvFormat = format };
            float[][][] whole = Run(path, LatentForm.Expanded, options, ids, SequenceRunner.Alone(ids, 512));
            AssertEqual(Run(path, LatentForm.Expanded, options, ids, SequenceRunner.Alone(ids, 7)), whole, "chunks of 7");
            AssertEqual(Run(path, LatentForm.Expanded, options, ids, SequenceRunner.Together(ids, 1, 16, 5)), whole, "decode beside prefill");
        }
    }

    [Test]
    public void The_mixed_form_takes_either_by_the_size_of_a_step()
    {
        foreach (string path in Checkpoints)
        {
            using ReferenceFile reference = new(TestPaths.Shared("fixtures", name, "reference.safetensors"));

            // 96 tokens are where expanding begins to pay with these widths: (24 + 24) * 32 / (48 + 32 - 40 - 24).
            int[][] ids = [[.. Enumerable.Repeat(reference.Ids()[0], 4).SelectMany(i => i).Take(97)], [.. Enumerable.Repeat(reference.Ids()[0], 4).SelectMany(i => i).Take(96)]];
            float[][][] mixed = Run(path, LatentForm.Mixed, DecoderFixture.Reference, ids, SequenceRunner.Alone(ids, 512));
            AssertEqual(mixed[..1], Run(path, LatentForm.Expanded, DecoderFixture.Reference, ids[..1], SequenceRunner.Alone(ids[..1], 512)), "97 tokens");
            AssertEqual(mixed[1..], Run(path, LatentForm.Absorbed, DecoderFixture.Reference, ids[1..], SequenceRunner.Alone(ids[1..], 512)), "96 tokens");
        }
    }

    [Test]
    public void Only_latents_are_cached([Values(KvFormat.F32, KvFormat.BF16, KvFormat.Int8)] KvFormat format)
    {
        foreach (string path in Checkpoints)
        {
            using DecoderFixture fixture = new(path);
            long elements = format == KvFormat.F32 ? 4 : format == KvFormat.BF16 ? 2 : 1;
            long expected = fixture.Model.Description.Layers.Length * ((48 * elements) + (format == KvFormat.Int8 ? 8 : 0));
            Assert.That(fixture.Decoder.Costs.CacheBytes(format, 1), Is.EqualTo(expected));
            ExecutorOptions options = DecoderFixture.Fast with { KvFormat = format, PageTokens = 64 };
            Assert.That(DecoderExecutor.QueryPageBytes(fixture.Decoder, options), Is.EqualTo(new[] { 64 * expected }));
        }
    }

    /// <summary>Key maps are wanted with rows as columns; stored as blocks along a row they are expanded for it.</summary>
    [TestCase(LatentForm.Absorbed)]
    [TestCase(LatentForm.Expanded)]
    public void Key_maps_may_be_stored_quantised(LatentForm form)
    {
        using OpenedModel model = OpenedModel.Open(TestPaths.Shared("fixtures", name));
        using EditedCheckpoint quantised = EditedCheckpoint.CopyOf(model.Checkpoint);
        using EditedCheckpoint exact = EditedCheckpoint.CopyOf(model.Checkpoint);
        foreach (CheckpointTensor tensor in model.Checkpoint.Tensors.Where(t => t.Name.EndsWith("kv_b_proj.weight", StringComparison.Ordinal)))
        {
            // Blocks of 32 with scale 1 / 64 and values that follow from their place.
            byte[] blocks = new byte[tensor.ElementCount / 32 * 34];
            float[] values = new float[tensor.ElementCount];
            for (int i = 0; i < values.Length; i++)
            {
                sbyte code = (sbyte)((i * 7 % 31) - 15);
                BitConverter.TryWriteBytes(blocks.AsSpan(i / 32 * 34), (Half)(1f / 64));
                blocks[(i / 32 * 34) + 2 + (i % 32)] = (byte)code;
                values[i] = code / 64f;
            }

            quantised.Set(tensor.Name, ElementFormat.Q8_0, tensor.Shape, blocks);
            exact.Set(tensor.Name, tensor.Shape, values);
        }

        int[][] ids = [[1, 5, 9, 200, 17, 3, 44]];
        float[][][] expected = Run(model.Description, exact, form, ids);
        float[][][] found = Run(model.Description, quantised, form, ids);

        // Key maps expanded and values dequantised on the way are the same numbers, at reference precision to the last bits.
        Assert.That(LogitsMeasure.Nmse(found.SelectMany(s => s), expected.SelectMany(s => s)), Is.LessThanOrEqualTo(1e-11));
    }

    private static float[][][] Run(DecoderDescription description, ICheckpoint checkpoint, LatentForm form, int[][] ids)
    {
        using Device device = Device.Open(new DeviceOptions { NumThreads = 2 });
        using LoadedDecoder decoder = DecoderLoader.Load(device, LoadPlan.Create(description, checkpoint, latentForm: form));
        using DecoderExecutor executor = new(decoder, DecoderFixture.Reference with { MaxContext = 64, MaxTokens = 64, MaxLogitRows = 64, MaxSequences = 8, PageTokens = 16 });
        SequenceRunner runner = new(executor, ids);
        runner.Run(SequenceRunner.Alone(ids, 64));
        return runner.Logits;
    }

    private static float[][][] Run(string path, LatentForm form, ExecutorOptions options, int[][] ids, IEnumerable<IReadOnlyList<Piece>> steps)
    {
        using DecoderFixture fixture = new(path, 2, form);
        using DecoderExecutor executor = fixture.Executor(options);
        SequenceRunner runner = new(executor, ids);
        runner.Run(steps);
        return runner.Logits;
    }

    private static void AssertEqual(float[][][] found, float[][][] expected, string what)
    {
        for (int s = 0; s < expected.Length; s++)
        {
            for (int t = 0; t < expected[s].Length; t++)
            {
                Assert.That(found[s][t].AsSpan().SequenceEqual(expected[s][t]), Is.True, $"{what}: sequence {s}, position {t}");
            }
        }
    }
}
