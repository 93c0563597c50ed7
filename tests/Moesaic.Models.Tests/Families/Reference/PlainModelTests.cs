using System.Text.Json.Nodes;
using Moesaic.Models.Checkpoints.Safetensors;
using Moesaic.Models.Tests.Decoder;
using Moesaic.TestSupport;

namespace Moesaic.Models.Tests.Families.Reference;

/// <summary>The plain forward pass is right itself: it gives the reference logits of every fixture.</summary>
public sealed class PlainModelTests
{
    [TestCase("llama")]
    [TestCase("llama31_scaled")]
    [TestCase("llama_yarn")]
    [TestCase("mistral")]
    [TestCase("mixtral")]
    [TestCase("qwen2")]
    [TestCase("qwen3")]
    [TestCase("qwen3_moe")]
    [TestCase("dots1")]
    [TestCase("deepseek_v2")]
    [TestCase("deepseek_v2_lite")]
    [TestCase("deepseek_v3")]
    [TestCase("olmoe")]
    [TestCase("phi3")]
    [TestCase("phi3_longrope")]
    [TestCase("gemma3")]
    [TestCase("gpt_oss")]
    [TestCase("ling")]
    [TestCase("ling_mtp")]
    [TestCase("ling_yarn")]
    public void Plain_logits_match_the_reference(string name)
    {
        JsonObject config = Variant.Config(name);
        using SafetensorsFile file = SafetensorsFile.Open(TestPaths.Shared("fixtures", name, "model.safetensors"));
        using ReferenceFile reference = new(TestPaths.Shared("fixtures", name, "reference.safetensors"));
        PlainModel model = new(config, new PlainWeights(file));
        int[] ids = reference.Ids()[0];
        (double[][] main, double[][] predicted) = model.Logits(ids);
        double nmse = Variant.Nmse(reference.Rows()[..ids.Length], main);
        TestContext.Out.WriteLine($"NMSE {nmse:E2}");
        Assert.That(nmse, Is.LessThanOrEqualTo(1e-9));
        if (predicted.Length > 0)
        {
            Assert.That(Variant.Nmse(reference.Rows("mtp_logits")[..(ids.Length - 1)], predicted[..^1]), Is.LessThanOrEqualTo(1e-9));
        }
    }
}
