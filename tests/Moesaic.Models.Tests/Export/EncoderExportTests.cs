using Moesaic.Models.Encoder;
using Moesaic.Models.Export;
using Moesaic.Models.Tests.Decoder;
using Moesaic.Models.Tests.Encoder;
using Moesaic.TestSupport;

namespace Moesaic.Models.Tests.Export;

/// <summary>Encoders written as GGUF make the reference vectors.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class EncoderExportTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [TestCase("bert", "f32", 1e-6)]
    [TestCase("bert", "bf16", 1e-6)]
    [TestCase("bert", "q8_0", 1e-3)]
    [TestCase("xlm_roberta", "bf16", 1e-6)]
    [TestCase("xlm_roberta", "q5_0", 3e-2)]
    public void Vectors_are_the_references(string name, string type, double tolerance)
    {
        string source = TestPaths.Shared("fixtures", name), path = _folder.Combine("a.gguf");
        using (OpenedEncoder encoder = OpenedEncoder.Open(source))
        {
            ExportReport report = GgufExporter.Write(encoder, path, Options(type));
            Assert.That(report.HasTokenizer, Is.False);
            Assert.That(report.Tensors.Select(t => t.Name), Does.Contain("blk.2.layer_output_norm.bias").And.Contain("position_embd.weight"));
            Assert.That(report.LeftOut.Select(t => t.Tensor.Name), Is.All.StartsWith("pooler"));
        }

        using EncoderFixture written = new(path);
        using ReferenceFile reference = new(Path.Combine(source, "reference.safetensors"));
        int[] lengths = [.. reference.Ids("attention_mask").Select(m => m.Sum())];
        int[][] texts = [.. reference.Ids().Select((t, i) => t[..lengths[i]])];
        double nmse = LogitsMeasure.Nmse(written.Embed(texts), reference.Rows("mean_pooled_normalised"));
        TestContext.Out.WriteLine($"NMSE {nmse:E2}");
        Assert.That(nmse, Is.LessThanOrEqualTo(tolerance));
    }

    [Test]
    public void A_pooling_that_the_format_cannot_say_is_refused_by_name()
    {
        string source = TestPaths.Shared("fixtures", "bert"), path = _folder.Combine("a.gguf");
        foreach (string file in new[] { "config.json", "model.safetensors" })
        {
            File.Copy(Path.Combine(source, file), _folder.Combine(file));
        }

        Directory.CreateDirectory(_folder.Combine("1_Pooling"));
        File.WriteAllText(_folder.Combine("1_Pooling/config.json"), """{"pooling_mode_cls_token": true}""");
        File.WriteAllText(_folder.Combine("modules.json"), """
            [{"type": "sentence_transformers.models.Transformer", "path": ""}, {"type": "sentence_transformers.models.Pooling", "path": "1_Pooling"}]
            """);
        using (OpenedEncoder plain = OpenedEncoder.Open(_folder.Path))
        {
            Assert.That(() => GgufExporter.Write(plain, path, Options("f16")), Throws.InstanceOf<ModelFormatException>().With.Message.Contains("pooling").And.Message.Contains("Normalise = False"));
        }

        File.Delete(_folder.Combine("modules.json"));
        using OpenedEncoder encoder = OpenedEncoder.Open(_folder.Path);
        GgufExporter.Write(encoder, path, Options("f16"));
        using OpenedEncoder written = OpenedEncoder.Open(path);
        Assert.That(written.Description.Pooling, Is.EqualTo(new PoolingDescription(PoolingKind.FirstToken, true)));
    }

    private static ExportOptions Options(string type) => new() { Mix = QuantisationMix.All.Single(mix => mix.Name == type), Threads = 2 };
}
