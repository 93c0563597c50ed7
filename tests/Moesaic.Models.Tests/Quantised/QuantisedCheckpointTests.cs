using System.Runtime.InteropServices;
using Moesaic.Interop;
using Moesaic.Models.Checkpoints;
using Moesaic.Models.Checkpoints.Safetensors;
using Moesaic.Models.Configurations;
using Moesaic.Models.Decoder;
using Moesaic.Models.Families;
using Moesaic.Models.Tests.Decoder;
using Moesaic.TestSupport;

namespace Moesaic.Models.Tests.Quantised;

/// <summary>Each quantised format of Hugging Face checkpoints: exact values, reference logits, equal bits however computed.</summary>
[TestFixture("fp8_block")]
[TestFixture("fp8_tensor")]
[TestFixture("fp8_channel")]
[TestFixture("int8_channel")]
[TestFixture("ct_w4a16")]
[TestFixture("ct_w4a16_asym")]
[TestFixture("gptq")]
[TestFixture("gptq_act_order")]
[TestFixture("gptq_v2_8bit")]
[TestFixture("awq")]
[TestFixture("mxfp4")]
[TestFixture("nvfp4_ct")]
[TestFixture("nvfp4_modelopt")]
public sealed class QuantisedCheckpointTests(string name)
{
    private const string Rows = "dequantised_first_32_rows.";

    private string Folder => TestPaths.Shared("fixtures_quantised", name);

    [Test]
    public void Values_are_those_of_the_reference() => CheckValues(Folder);

    internal static void CheckValues(string folder)
    {
        using SafetensorsFile reference = SafetensorsFile.Open(Path.Combine(folder, "reference.safetensors"));
        using SafetensorsFile checkpoint = SafetensorsFile.Open(Path.Combine(folder, "model.safetensors"));
        QuantisedMatrices matrices = new(checkpoint, HuggingFaceConfig.Load(Path.Combine(folder, "config.json")).Quantisation);
        int checkedTensors = 0;
        foreach (CheckpointTensor expected in reference.Tensors.Where(t => t.Name.StartsWith(Rows, StringComparison.Ordinal)))
        {
            string weight = expected.Name[Rows.Length..];
            float[] wanted = MemoryMarshal.Cast<byte, float>(EditedCheckpoint.BytesOf(expected)).ToArray();
            checkedTensors++;
            if (!weight.EndsWith(".weight", StringComparison.Ordinal))
            {
                CheckStackedExpert(matrices, weight, wanted);
                continue;
            }

            long cols = expected.Shape[1];
            bool toHidden = weight.Contains("o_proj", StringComparison.Ordinal) || weight.Contains("down_proj", StringComparison.Ordinal);
            long rows = toHidden ? 256 : weight.Contains("experts", StringComparison.Ordinal) ? 160 : 384;
            MatrixSlice slice = MatrixSource.Whole(weight, rows, cols).Slices[0];
            QuantisedMatrix matrix = matrices.Find(slice, [])!;
            float[] values = new float[32 * cols];
            matrix.Expand(0, 32, values, new LoadScratch());

            // As numbers: the signs of some of the reference's zeros are not stored. The reference rounds the product of NVFP4's
            // two scales before that with the element.
            Assert.That(Path.GetFileName(folder).StartsWith("nvfp4", StringComparison.Ordinal) ? values.Zip(wanted).All(p => Math.Abs(p.First - p.Second) <= 2.4e-7f * Math.Abs(p.Second)) : values.AsSpan().SequenceEqual(wanted), Is.True, weight);

            // Rows that start anywhere.
            float[] some = new float[5 * cols];
            matrix.Expand(11, 5, some, new LoadScratch());
            Assert.That(some, Is.EqualTo(values[(int)(11 * cols)..(int)(16 * cols)]), weight);
        }

        Assert.That(checkedTensors, Is.GreaterThan(0));
    }

    [Test]
    public void Logits_match_the_reference()
    {
        using DecoderFixture fixture = new(Folder);
        using ReferenceFile reference = new(Path.Combine(Folder, "reference.safetensors"));
        int[][] ids = reference.Ids();
        float[][][] logits = Run(fixture, DecoderFixture.Reference, ids, SequenceRunner.Alone(ids, 512));
        double nmse = LogitsMeasure.Nmse(logits.SelectMany(s => s), reference.Rows());
        TestContext.Out.WriteLine($"NMSE {nmse:E2}");
        Assert.That(nmse, Is.LessThanOrEqualTo(1e-6));
    }

    [Test]
    public void Fast_precision_stays_within_tolerance()
    {
        using DecoderFixture fixture = new(Folder);
        using ReferenceFile reference = new(Path.Combine(Folder, "reference.safetensors"));
        FastPrecisionCheck.Check(fixture, reference.Ids(), rows => LogitsMeasure.Nmse(rows.SelectMany(s => s), reference.Rows()), KvFormat.BF16);
    }

    [Test]
    public void Logits_have_equal_bits_however_they_are_computed([Values] bool fast)
    {
        ExecutorOptions options = fast ? DecoderFixture.Fast : DecoderFixture.Reference;
        using ReferenceFile reference = new(Path.Combine(Folder, "reference.safetensors"));
        int[][] ids = [.. reference.Ids(), [.. reference.Ids()[0].Take(9)]];
        using DecoderFixture one = new(Folder, 1);
        using DecoderFixture two = new(Folder, 2);
        float[][][] whole = Run(one, options, ids, SequenceRunner.Alone(ids, 512));
        foreach ((DecoderFixture fixture, IEnumerable<IReadOnlyList<Piece>> steps) in new (DecoderFixture, IEnumerable<IReadOnlyList<Piece>>)[]
        {
            (two, SequenceRunner.Alone(ids, 512)),
            (one, SequenceRunner.Alone(ids, 1)),
            (two, SequenceRunner.Alone(ids, 7)),
            (two, SequenceRunner.Together(ids, 1, 16)),
            (one, SequenceRunner.Together(ids, 2, 3)),
        })
        {
            float[][][] other = Run(fixture, options, ids, steps);
            for (int s = 0; s < ids.Length; s++)
            {
                for (int t = 0; t < ids[s].Length; t++)
                {
                    Assert.That(other[s][t].AsSpan().SequenceEqual(whole[s][t]), Is.True, $"sequence {s}, position {t}");
                }
            }
        }
    }

    /// <summary>Act-order of expert layers alone is expanded, and these fixtures have none.</summary>
    [Test]
    public void Nothing_is_expanded()
    {
        using DecoderFixture fixture = new(Folder);
        Assert.That(fixture.Decoder.Expanded, Is.Empty);
        long stored = LoadPlan.Create(fixture.Model.Description, fixture.Model.Checkpoint).SourceBytes;
        Assert.That(fixture.Decoder.WeightBytes, Is.LessThanOrEqualTo(stored * 1.25), "bytes of codes without scales and padding");
    }

    [Test]
    public void Every_tensor_is_used()
    {
        using OpenedModel model = OpenedModel.Open(Folder);
        LoadPlan plan = LoadPlan.Create(model.Description, model.Checkpoint);
        Assert.That(plan.Ignored, Is.Empty);
        Assert.That(plan.Matrices.Count(m => !m.Quantised.IsEmpty), Is.GreaterThanOrEqualTo(name == "mxfp4" ? 6 : 14));
    }

    // Of experts in one stack the reference has the first, with inputs as rows.
    private static void CheckStackedExpert(QuantisedMatrices matrices, string weight, float[] wanted)
    {
        const int outputs = 256;
        int inputs = weight.EndsWith("down_proj", StringComparison.Ordinal) ? 128 : 256;
        QuantisedMatrix matrix = matrices.Find(MatrixSource.StackedTransposed(weight, 4, outputs, inputs, 0, 1, outputs).Slices[0], [])!;
        float[] values = new float[outputs * inputs];
        matrix.Expand(0, outputs, values, new LoadScratch());
        for (int input = 0; input < 32; input++)
        {
            for (int output = 0; output < outputs; output++)
            {
                Assert.That(values[(output * inputs) + input], Is.EqualTo(wanted[(input * outputs) + output]), $"{weight}, input {input}, output {output}");
            }
        }
    }

    /// <summary>Codes and scales that make blocks which the device runs are not expanded; the others say so.</summary>
    [Test]
    public void Blocks_stay_quantised_in_memory()
    {
        if (!name.Contains("fp4", StringComparison.Ordinal))
        {
            return;
        }

        using OpenedModel model = OpenedModel.Open(Folder);
        using Device device = Device.Open(new DeviceOptions { NumThreads = 2 });
        LoadPlan plan = LoadPlan.Create(model.Description, model.Checkpoint);
        List<ExpandedWeights> announced = [];
        using LoadedDecoder decoder = DecoderLoader.Load(device, plan, new LoadOptions { Announce = announced.Add });
        Assert.That(announced, Is.Empty);
        Assert.That(decoder.WeightBytes, Is.LessThan(plan.Matrices.Sum(m => m.SourceBytes) * 1.15));
    }

    private static float[][][] Run(DecoderFixture fixture, ExecutorOptions options, int[][] ids, IEnumerable<IReadOnlyList<Piece>> steps)
    {
        using DecoderExecutor executor = fixture.Executor(options);
        SequenceRunner runner = new(executor, ids);
        runner.Run(steps);
        return runner.Logits;
    }
}
