using Moesaic.Models.Checkpoints;
using Moesaic.Models.Checkpoints.Gguf;
using Moesaic.Models.Decoder;
using Moesaic.Models.Export;
using Moesaic.Models.Families;
using Moesaic.Models.Tests.Decoder;
using Moesaic.TestSupport;

namespace Moesaic.Models.Tests.Export;

/// <summary>Checkpoints written as GGUF: errors of the weights, what is refused, and that nothing is left behind.</summary>
public sealed class GgufExporterTests
{
    private string _folder = "";

    [SetUp]
    public void CreateFolder() => _folder = Directory.CreateTempSubdirectory("export").FullName;

    [TearDown]
    public void DeleteFolder() => Directory.Delete(_folder, recursive: true);

    [TestCase("q4_0")]
    [TestCase("q4_1")]
    [TestCase("q5_0")]
    [TestCase("q5_1")]
    [TestCase("q8_0")]
    [TestCase("iq4_nl")]
    [TestCase("mxfp4")]
    public void Every_matrix_has_a_smaller_error_than_by_plain_rounding(string type)
    {
        string source = TestPaths.Shared("fixtures", "ling");
        using OpenedModel model = OpenedModel.Open(source);
        ExportReport searched = GgufExporter.Write(model, Path.Combine(_folder, "a.gguf"), Options(type));
        ExportReport plain = GgufExporter.Write(model, Path.Combine(_folder, "b.gguf"), Options(type) with { SearchesScales = false });
        foreach ((ExportedTensor a, ExportedTensor b) in searched.Tensors.Zip(plain.Tensors).Where(t => t.First.Format != ElementFormat.F32))
        {
            Assert.That(a.RelativeError, Is.LessThanOrEqualTo(b.RelativeError), a.Name);
        }

        Assert.That(searched.Tensors.Sum(t => t.RelativeError), Is.LessThan(plain.Tensors.Sum(t => t.RelativeError)));
    }

    [Test]
    public void Rows_that_do_not_fit_take_another_type_and_say_so()
    {
        using OpenedModel model = OpenedModel.Open(TestPaths.TestData("fixtures", "ling_mtp"));
        ExportReport report = GgufExporter.Write(model, Path.Combine(_folder, "a.gguf"), Options("q4_k"));
        ExportedTensor down = report.Tensors.Single(t => t.Name == "blk.1.ffn_down_exps.weight");
        Assert.That((down.Format, down.IsFallback), Is.EqualTo((ElementFormat.F16, true)), "48 columns are no multiple of 32");
        ExportedTensor up = report.Tensors.Single(t => t.Name == "blk.1.ffn_up_exps.weight");
        Assert.That((up.Format, up.IsFallback), Is.EqualTo((ElementFormat.Q5_0, true)));
        ExportedTensor router = report.Tensors.Single(t => t.Name == "blk.1.ffn_gate_inp.weight");
        Assert.That((router.Format, router.IsFallback, router.RelativeError), Is.EqualTo((ElementFormat.F32, false, 0.0)));
    }

    [Test]
    public void A_file_is_not_replaced_unless_asked_for()
    {
        string path = Path.Combine(_folder, "a.gguf");
        File.WriteAllText(path, "mine");
        using OpenedModel model = OpenedModel.Open(TestPaths.TestData("fixtures", "qwen2"));
        Assert.That(() => GgufExporter.Write(model, path, Options("bf16")), Throws.InstanceOf<IOException>().With.Message.Contains("exists"));
        Assert.That(File.ReadAllText(path), Is.EqualTo("mine"));
        GgufExporter.Write(model, path, Options("bf16") with { Overwrites = true });
        using GgufFile file = GgufFile.Open(path);
        Assert.That(Directory.GetFiles(_folder), Has.Length.EqualTo(1), "nothing is left behind");
    }

    [Test]
    public void A_cancelled_export_leaves_nothing_behind()
    {
        using CancellationTokenSource source = new();
        using OpenedModel model = OpenedModel.Open(TestPaths.TestData("fixtures", "qwen2"));
        ExportOptions options = Options("q4_0") with { Progress = _ => source.Cancel(), Cancellation = source.Token };
        Assert.That(() => GgufExporter.Write(model, Path.Combine(_folder, "a.gguf"), options), Throws.InstanceOf<OperationCanceledException>());
        Assert.That(Directory.GetFiles(_folder), Is.Empty);
    }

    [Test]
    public void Gguf_files_and_quantised_checkpoints_are_refused()
    {
        using (OpenedModel gguf = OpenedModel.Open(TestPaths.Shared("fixtures_gguf", "llama.gguf")))
        {
            Assert.That(() => GgufExporter.Write(gguf, Path.Combine(_folder, "a.gguf"), Options("q4_0")), Throws.InstanceOf<ModelFormatException>().With.Message.Contains("GGUF file already"));
        }

        Assert.That(Directory.GetFiles(_folder), Is.Empty);
    }

    [Test]
    public void What_GGUF_cannot_say_is_refused_by_name()
    {
        string folder = Copy("qwen2", config => config.Replace("\"use_sliding_window\": false", "\"use_sliding_window\": true", StringComparison.Ordinal)
            .Replace("\"sliding_window\": null", "\"sliding_window\": 32", StringComparison.Ordinal)
            .Replace("\"max_window_layers\": 28", "\"max_window_layers\": 0", StringComparison.Ordinal)
            .Replace("full_attention", "sliding_attention", StringComparison.Ordinal));
        using OpenedModel model = OpenedModel.Open(folder);
        Assert.That(() => GgufExporter.Write(model, Path.Combine(_folder, "a.gguf"), Options("bf16")), Throws.InstanceOf<ModelFormatException>().With.Message.Contains("window: 32 in the checkpoint, 0 in the file"));
        Assert.That(Directory.GetFiles(_folder), Is.Empty);
    }

    [Test]
    public void Values_that_are_not_finite_are_refused_by_name()
    {
        string folder = Copy("qwen2", config => config);
        string weights = Path.Combine(folder, "model.safetensors");
        byte[] bytes = File.ReadAllBytes(weights);
        bytes.AsSpan(bytes.Length - 64).Fill(0xFF);
        File.WriteAllBytes(weights, bytes);
        using OpenedModel model = OpenedModel.Open(folder);
        Assert.That(() => GgufExporter.Write(model, Path.Combine(_folder, "a.gguf"), Options("q4_0")), Throws.InstanceOf<ModelFormatException>().With.Message.Contains("NaN"));
        Assert.That(Directory.GetFiles(_folder), Is.Empty);
    }

    /// <summary>Damaged configurations and headers end in one clear error or in a file that opens; never in anything else.</summary>
    [Test]
    public void Damaged_input_is_one_clear_error()
    {
        string folder = Copy("qwen2", config => config);
        string output = Path.Combine(_folder, "a.gguf");
        Random random = new(20);
        string[] files = [Path.Combine(folder, "config.json"), Path.Combine(folder, "model.safetensors")];
        byte[][] originals = [.. files.Select(File.ReadAllBytes)];
        int refused = 0;
        for (int i = 0; i < 120; i++)
        {
            int which = i % 2;
            byte[] bytes = [.. originals[which]];
            int reach = which == 0 ? bytes.Length : 2000;
            for (int k = 0; k <= random.Next(3); k++)
            {
                bytes[random.Next(reach)] = (byte)random.Next(32, 127);
            }

            File.WriteAllBytes(files[which], bytes);
            try
            {
                using OpenedModel model = OpenedModel.Open(folder);
                GgufExporter.Write(model, output, Options("q8_0") with { Overwrites = true });
                using OpenedModel written = OpenedModel.Open(output);
            }
            catch (ModelFormatException)
            {
                refused++;
            }

            File.WriteAllBytes(files[which], originals[which]);
        }

        Assert.That(refused, Is.GreaterThan(20));
    }

    private static ExportOptions Options(string type) => new() { Mix = QuantisationMix.All.Single(mix => mix.Name == type), Threads = 2 };

    private string Copy(string fixture, Func<string, string> change)
    {
        string folder = Path.Combine(Directory.CreateDirectory(Path.Combine(_folder, "copy")).FullName);
        string source = TestPaths.TestData("fixtures", fixture);
        File.WriteAllText(Path.Combine(folder, "config.json"), change(File.ReadAllText(Path.Combine(source, "config.json"))));
        File.Copy(Path.Combine(source, "model.safetensors"), Path.Combine(folder, "model.safetensors"));
        return folder;
    }
}
