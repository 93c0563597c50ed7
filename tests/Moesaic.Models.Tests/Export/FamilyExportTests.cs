using System.Runtime.InteropServices;
using Moesaic.Models.Checkpoints;
using Moesaic.Models.Checkpoints.Gguf;
using Moesaic.Models.Decoder;
using Moesaic.Models.Export;
using Moesaic.Models.Families;
using Moesaic.Models.Tests.Decoder;
using Moesaic.TestSupport;

namespace Moesaic.Models.Tests.Export;

/// <summary>Every family written as GGUF: the tensors and keys that the format's own converter writes, and the checkpoint's logits.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class FamilyExportTests : IDisposable
{
    // Fixtures of all families that have GGUF files.
    private static readonly string[] s_fixtures =
    [
        "llama", "llama31_scaled", "llama_yarn", "mistral", "qwen2", "qwen3", "qwen3_moe", "mixtral", "ling", "ling_mtp", "ling_yarn", "dots1", "olmoe",
        "phi3", "phi3_longrope", "gemma3", "gpt_oss", "deepseek_v2", "deepseek_v2_lite", "deepseek_v3",
    ];

    // Those that the format's own converter wrote too.
    private static readonly string[] s_converted = [.. s_fixtures.Except(["llama_yarn", "mistral", "phi3", "phi3_longrope", "deepseek_v2_lite"])];

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [TestCaseSource(nameof(s_converted))]
    public void Tensors_and_keys_are_those_of_the_reference_converter(string name)
    {
        using GgufFile found = GgufFile.Open(Write(TestPaths.Shared("fixtures", name), "bf16"));
        using GgufFile expected = GgufFile.Open(TestPaths.Shared("fixtures_gguf", name + ".gguf"));
        Assert.That(found.Tensors.Select(t => t.Name), Is.EquivalentTo(expected.Tensors.Select(t => t.Name)));
        foreach (CheckpointTensor tensor in expected.Tensors)
        {
            CheckpointTensor other = found.GetTensor(tensor.Name);
            Assert.That((other.Format, string.Join(',', other.Shape)), Is.EqualTo((tensor.Format, string.Join(',', tensor.Shape))), tensor.Name);
            if (tensor.Name == "rope_freqs.weight")
            {
                Assert.That(Floats(other).Zip(Floats(tensor), (a, b) => Math.Abs((a / b) - 1)).Max(), Is.LessThan(1e-6));
            }
            else
            {
                Assert.That(EditedCheckpoint.BytesOf(other), Is.EqualTo(EditedCheckpoint.BytesOf(tensor)), tensor.Name);
            }
        }

        foreach (string key in expected.Metadata.Keys.Where(k => k.StartsWith(expected.Metadata.Architecture + ".", StringComparison.Ordinal)))
        {
            expected.Metadata.TryGetValue(key, out GgufValue value);
            Assert.That(found.Metadata.TryGetValue(key, out GgufValue other), key);
            Assert.That(other.Describe(), Is.EqualTo(value.Describe()), key);
        }
    }

    [TestCaseSource(nameof(s_fixtures))]
    public void Logits_are_the_references(string name) => CheckLogits(name, "bf16", 1e-6);

    [TestCase("llama", "f32")]
    [TestCase("llama", "f16")]
    [TestCase("qwen3", "f16")]
    [TestCase("ling", "f32")]
    [TestCase("ling_yarn", "f16")]
    [TestCase("deepseek_v3", "f32")]
    [TestCase("gpt_oss", "f32")]
    [TestCase("gemma3", "f32")]
    [TestCase("phi3_longrope", "f32")]
    public void Wider_types_lose_nothing_either(string name, string type) => CheckLogits(name, type, 1e-6);

    // Small random models are sensitive: about the squared error of the weights for each of some 30 matrices. With experts, choices
    // flip as well.
    [TestCaseSource(nameof(s_fixtures))]
    public void Eight_bits_are_close(string name) => CheckLogits(name, "q8_0", 6e-3, toleranceOfExperts: 5e-2);

    [TestCaseSource(nameof(s_fixtures))]
    public void Four_bits_are_near(string name) => CheckLogits(name, "q4_k_m", 0.25);

    /// <summary>A checkpoint that is quantised already is brought to float32, or, where GGUF has the same blocks, taken as it is.</summary>
    [TestCase("fp8_block")]
    [TestCase("fp8_tensor")]
    [TestCase("fp8_channel")]
    [TestCase("int8_channel")]
    [TestCase("ct_w4a16")]
    [TestCase("ct_w4a16_asym")]
    [TestCase("gptq")]
    [TestCase("gptq_act_order")]
    [TestCase("gptq_v2_8bit")]
    [TestCase("awq")]
    [TestCase("mxfp4")]
    [TestCase("nvfp4_ct")]
    [TestCase("nvfp4_modelopt")]
    public void Quantised_checkpoints_are_written_as_what_they_stand_for(string name)
    {
        string source = TestPaths.Shared("fixtures_quantised", name);
        CheckLogits(source, "f32", 1e-6, report => Assert.That(
            report.Tensors.Where(t => t.Format != ElementFormat.F32).Select(t => (t.Name, t.Format, t.RelativeError)),
            name == "mxfp4" ? Is.Not.Empty.And.All.Matches<(string Name, ElementFormat Format, double Error)>(t => t is { Format: ElementFormat.MXFP4, Error: 0 } && t.Name.Contains("_exps.weight", StringComparison.Ordinal)) : Is.Empty));
        ExportReport eight = Write(source, "q8_0", out _);
        Assert.That(eight.Tensors.Where(t => t.Format != ElementFormat.F32).Select(t => t.RelativeError), Is.All.LessThan(0.01));
    }

    /// <summary>Blocks that the checkpoint has stay unless fewer bytes are wanted.</summary>
    [Test]
    public void Blocks_are_encoded_again_where_that_saves_bytes()
    {
        string source = TestPaths.Shared("fixtures_quantised", "mxfp4");
        Dictionary<string, ExportedTensor> kept = Write(source, "mxfp4", out _).Tensors.Where(Experts).ToDictionary(t => t.Name);
        ExportedTensor[] smaller = [.. Write(source, "q2_k", out _).Tensors.Where(Experts)];
        Assert.That(kept.Values.Select(t => (t.Format, t.RelativeError, t.IsFallback)), Is.All.EqualTo((ElementFormat.MXFP4, 0.0, false)));
        Assert.That(smaller, Is.Not.Empty);
        Assert.That(smaller.All(t => t.Format == ElementFormat.Q2_K ? t.Bytes < kept[t.Name].Bytes && t.RelativeError > 0.1 : t.Format == ElementFormat.MXFP4), string.Join('\n', smaller.AsEnumerable()));

        static bool Experts(ExportedTensor tensor) => tensor.Name.Contains("_exps.weight", StringComparison.Ordinal);
    }

    private void CheckLogits(string source, string type, double tolerance, Action<ExportReport>? check = null, double? toleranceOfExperts = null)
    {
        source = Path.IsPathRooted(source) ? source : TestPaths.Shared("fixtures", source);
        ExportReport report = Write(source, type, out string path);
        check?.Invoke(report);
        using DecoderFixture fixture = new(path);
        using ReferenceFile reference = new(Path.Combine(source, "reference.safetensors"));
        int[][] ids = reference.Ids();
        using DecoderExecutor executor = fixture.Executor(DecoderFixture.Reference);
        SequenceRunner runner = new(executor, ids);
        runner.Run(SequenceRunner.Alone(ids, 512));
        double nmse = LogitsMeasure.Nmse(runner.Logits.SelectMany(s => s), reference.Rows());
        TestContext.Out.WriteLine($"{Path.GetFileName(source)} {type}: NMSE {nmse:E2}, relative errors up to {report.Tensors.Max(t => t.RelativeError):G3}");
        Assert.That(nmse, Is.LessThanOrEqualTo(fixture.HasExperts ? toleranceOfExperts ?? tolerance : tolerance));
    }

    private string Write(string source, string type)
    {
        Write(source, type, out string path);
        return path;
    }

    private ExportReport Write(string source, string type, out string path)
    {
        path = _folder.Combine(type + ".gguf");
        using OpenedModel model = OpenedModel.Open(source);
        ExportReport report = GgufExporter.Write(model, path, new ExportOptions { Mix = QuantisationMix.All.Single(mix => mix.Name == type), Threads = 2, Overwrites = true });
        Assert.That(report.FileBytes, Is.EqualTo(new FileInfo(path).Length));
        return report;
    }

    private static float[] Floats(CheckpointTensor tensor) => MemoryMarshal.Cast<byte, float>(EditedCheckpoint.BytesOf(tensor)).ToArray();
}
