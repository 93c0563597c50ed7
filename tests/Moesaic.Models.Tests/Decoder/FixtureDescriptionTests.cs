using Moesaic.Models.Decoder;
using Moesaic.Models.Families;
using Moesaic.TestSupport;

namespace Moesaic.Models.Tests.Decoder;

/// <summary>Every fixture of the supported families is described, and its tensors match the description with none left over.</summary>
public sealed class FixtureDescriptionTests
{
    private static readonly string[] s_families = ["llama", "llama31_scaled", "llama_yarn", "mistral", "qwen2", "qwen3", "mixtral", "ling", "ling_mtp", "ling_yarn"];

    private static readonly string[] s_gguf = ["llama", "llama31_scaled", "qwen2", "qwen3", "mixtral", "ling", "ling_mtp", "ling_yarn"];

    [TestCaseSource(nameof(s_families))]
    public void Hugging_Face_checkpoint_matches_its_description(string name) => Check(TestPaths.Shared("fixtures", name));

    [TestCaseSource(nameof(s_gguf))]
    public void Gguf_checkpoint_matches_its_description(string name) => Check(TestPaths.Shared("fixtures_gguf", name + ".gguf"));

    [TestCase("ling-wordnet-16m.Q8_0.gguf")]
    [TestCase("SmolLM2-135M-Instruct.Q4_1.gguf")]
    public void Real_model_matches_its_description(string name) => Check(TestPaths.Shared("models", name));

    [TestCase("deepseek_v2")]
    [TestCase("gemma3")]
    [TestCase("bert")]
    public void Unsupported_architecture_is_refused_by_name(string name)
    {
        ModelFormatException error = Assert.Throws<ModelFormatException>(() => OpenedModel.Open(TestPaths.Shared("fixtures", name)).Dispose())!;
        Assert.That(error.Field, Is.EqualTo("architectures"));
    }

    private static void Check(string path)
    {
        using OpenedModel model = OpenedModel.Open(path);
        LoadPlan main = LoadPlan.Create(model.Description, model.Checkpoint);
        LoadPlan all = LoadPlan.Create(model.Description, model.Checkpoint, includeMtp: true);
        ModelCosts costs = ModelCosts.Of(all);
        TestContext.Out.WriteLine($"{model.Description.Family}: {costs.Parameters} parameters, {costs.ActiveParameters} active, {main.Ignored.Length} tensors ignored");
        long elements = model.Checkpoint.Tensors.Sum(t => t.ElementCount);
        long ignored = all.Ignored.Sum(t => t.Tensor.ElementCount);
        long mtp = all.Matrices.Sum(m => m.Source.Count) + all.Vectors.Keys.Sum(v => v.Length) - main.Matrices.Sum(m => m.Source.Count) - main.Vectors.Keys.Sum(v => v.Length);
        Assert.That(costs.Parameters, Is.EqualTo(elements - ignored - mtp));
    }
}
