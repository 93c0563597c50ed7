using Moesaic.Models.Decoder;
using Moesaic.Models.Families;
using Moesaic.TestSupport;

namespace Moesaic.Models.Tests.Decoder;

/// <summary>Real models are described, and their tensors match the description with none left over; what is not supported is refused.</summary>
public sealed class FixtureDescriptionTests
{
    [TestCase("ling-wordnet-16m.Q8_0.gguf")]
    [TestCase("SmolLM2-135M-Instruct.Q4_1.gguf")]
    public void Real_model_matches_its_description(string name) => DescriptionCheck.Check(TestPaths.Shared("models", name));

    [TestCase("bert")]
    public void Unsupported_architecture_is_refused_by_name(string name)
    {
        ModelFormatException error = Assert.Throws<ModelFormatException>(() => OpenedModel.Open(TestPaths.Shared("fixtures", name)).Dispose())!;
        Assert.That(error.Field, Is.EqualTo("architectures"));
    }
}
