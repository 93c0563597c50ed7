using Moesaic.Models.Decoder;
using Moesaic.Models.Tests.Decoder;
using Moesaic.TestSupport;

namespace Moesaic.Models.Tests.Families;

[TestFixture("deepseek_v2", Containers.Both)]
[TestFixture("deepseek_v2_lite", Containers.HuggingFace)]
[TestFixture("deepseek_v3", Containers.Both)]
public sealed class DeepSeekTests(string name, Containers containers) : FamilyTests(name, containers)
{
    /// <summary>Files from before the split of kv_b, in either form.</summary>
    [Test]
    public void Gguf_with_unsplit_key_and_value_maps_matches_the_reference([Values(LatentForm.Absorbed, LatentForm.Expanded)] LatentForm form)
    {
        using TemporaryFolder folder = new();
        string path = folder.Combine("deepseek2.gguf");
        DeepSeekGguf.Write(Name, path);
        DescriptionCheck.Check(path);
        using DecoderFixture fixture = new(path, form: form);
        using ReferenceFile reference = OpenReference();
        double nmse = LogitsMeasure.Nmse(EditedFolder.LogitsOf(fixture, reference.Ids()).SelectMany(s => s), reference.Rows());
        TestContext.Out.WriteLine($"NMSE {nmse:E2}");
        Assert.That(nmse, Is.LessThanOrEqualTo(Tolerance));
    }
}
