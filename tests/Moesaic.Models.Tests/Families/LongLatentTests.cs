using System.Text.Json.Nodes;
using Moesaic.Models.Decoder;
using Moesaic.Models.Tests.Decoder;
using Moesaic.Models.Tests.Families.Reference;

namespace Moesaic.Models.Tests.Families;

/// <summary>Latent attention over 44 cache blocks, most of them past the context that YaRN stretches: both forms against the plain pass.</summary>
public sealed class LongLatentTests
{
    private const int Tokens = 700;

    [TestCase("deepseek_v2", """{"num_hidden_layers":2,"rope_parameters":{"rope_type":"yarn","rope_theta":10000,"factor":40,"original_max_position_embeddings":64,"mscale":0.707,"mscale_all_dim":0.707}}""")]
    [TestCase("deepseek_v2_lite", """{"num_hidden_layers":2}""")]
    [TestCase("deepseek_v3", """{"num_hidden_layers":2,"rope_scaling":{"type":"yarn","factor":16.0,"original_max_position_embeddings":64,"beta_fast":32,"beta_slow":1,"mscale":1.0,"mscale_all_dim":1.0}}""")]
    public void Both_forms_match_a_plain_forward_pass(string fixture, string edits)
    {
        JsonObject config = Variant.Config(fixture, edits);
        PlainWeights weights = new();
        int[] ids = Variant.Ids(Tokens, 512);
        double[][] plain = new PlainModel(config, weights).Logits(ids).Main;
        using EditedCheckpoint checkpoint = weights.ToCheckpoint();
        DecoderDescription description = Variant.Describe(config, checkpoint);
        float[][] absorbed = Variant.Logits(description, checkpoint, [ids]).Main[0];
        float[][] expanded = Variant.Logits(description, checkpoint, [ids], form: LatentForm.Expanded).Main[0];
        double between = LogitsMeasure.Nmse(expanded, absorbed), far = LogitsMeasure.Nmse(expanded[^50..], absorbed[^50..]);
        TestContext.Out.WriteLine($"between the forms {between:E2}, in the last positions {far:E2}; from the plain pass {Variant.Nmse(absorbed, plain):E2} and {Variant.Nmse(expanded, plain):E2}");
        Assert.That(between, Is.LessThanOrEqualTo(1e-6).And.GreaterThan(0), "the forms round differently, else one of them was not run");
        Assert.That(far, Is.LessThanOrEqualTo(1e-6));
        Assert.That(Variant.Nmse(absorbed, plain), Is.LessThanOrEqualTo(1e-9));
        Assert.That(Variant.Nmse(expanded, plain), Is.LessThanOrEqualTo(1e-9));
        float[][] chunks = Variant.Logits(description, checkpoint, [ids], i => SequenceRunner.Alone(i, 33)).Main[0];
        Assert.That(chunks.Zip(absorbed).All(p => p.First.AsSpan().SequenceEqual(p.Second)), Is.True, "in chunks");
    }
}
