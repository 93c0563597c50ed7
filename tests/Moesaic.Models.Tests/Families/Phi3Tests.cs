using System.Text.Json.Nodes;
using Moesaic.Models.Decoder;
using Moesaic.Models.Tests.Decoder;
using Moesaic.TestSupport;

namespace Moesaic.Models.Tests.Families;

[TestFixture("phi3", Containers.HuggingFace)]
[TestFixture("phi3_longrope", Containers.HuggingFace)]
public sealed class Phi3Tests(string name, Containers containers) : FamilyTests(name, containers)
{
    /// <summary>There is no GGUF fixture of this family: this one has the keys and names that llama.cpp's converter writes.</summary>
    [Test]
    public void Gguf_logits_match_the_reference()
    {
        using TemporaryFolder folder = new();
        string path = folder.Combine("phi3.gguf");
        Phi3Gguf.Write(Name, path);
        using DecoderFixture fixture = new(path);
        using ReferenceFile reference = OpenReference();
        double nmse = LogitsMeasure.Nmse(EditedFolder.LogitsOf(fixture, reference.Ids()).SelectMany(s => s), reference.Rows());
        TestContext.Out.WriteLine($"NMSE {nmse:E2}");
        Assert.That(nmse, Is.LessThanOrEqualTo(Tolerance));
    }

    /// <summary>
    /// An executor whose context is within the original one uses longrope's short factors for every sequence: what a model
    /// whose long factors are the short ones always does.
    /// </summary>
    [Test]
    public void Within_the_original_context_longrope_uses_its_short_factors()
    {
        using EditedFolder plain = new("phi3_longrope", c => c);
        using EditedFolder same = new("phi3_longrope", c =>
        {
            c["rope_scaling"]!["long_factor"] = c["rope_scaling"]!["short_factor"]!.DeepClone();
            return c;
        });
        RopeDescription rope = plain.Describe().Ropes[0];
        Assert.That(rope.Original!.MaxContext, Is.EqualTo(64));
        for (int i = 0; i < 8; i++)
        {
            double frequency = Math.Pow(10000, -i / 8.0);
            Assert.That(rope.InverseFrequencies[i], Is.EqualTo(frequency / (1 + (0.5 * i))).Within(1e-5).Percent);
            Assert.That(rope.Original.InverseFrequencies[i], Is.EqualTo(frequency / (1 + (0.05 * i))).Within(1e-5).Percent);
        }

        // sqrt(1 + ln(1024 / 64) / ln 64)
        Assert.That(rope.Factor, Is.EqualTo(1.2909944).Within(1e-6));
        Assert.That(rope.Original.Factor, Is.EqualTo(rope.Factor));
        int[][] ids = [[.. Enumerable.Range(0, 60).Select(i => (i * 37) % 512)]];
        float[][][] within = plain.Logits(ids, 64), past = plain.Logits(ids, 65), expected = same.Logits(ids, 65);
        Assert.That(within[0][59], Is.EqualTo(expected[0][59]));
        Assert.That(within[0][59], Is.Not.EqualTo(past[0][59]));
    }

    [Test]
    public void Window_and_partial_rotation_are_those_of_the_configuration()
    {
        using EditedFolder folder = new("phi3", c =>
        {
            c["sliding_window"] = 24;
            c["rope_parameters"]!["partial_rotary_factor"] = 0.75;
            c["full_attn_mod"] = 1;
            c["interpolate_factor"] = 1;
            c["mlp_bias"] = false;
            c["lm_head_bias"] = false;
            return c;
        });
        DecoderDescription decoder = folder.Describe();
        Assert.That(decoder.Layers.Select(l => l.Attention.Window), Is.All.EqualTo(24));
        Assert.That(decoder.Ropes[0].Dimensions, Is.EqualTo(12));
        Assert.That(decoder.Ropes[0].InverseFrequencies[1], Is.EqualTo((float)Math.Pow(10000, -1 / 6.0)));
        Assert.That(decoder.Ropes[0].Original, Is.Null);
    }

    /// <summary>Early configurations say yarn where they mean longrope's frequencies with YaRN's attention factor.</summary>
    [TestCase("su", 1.2909944)]
    [TestCase("yarn", 1.2772589)]
    public void Former_names_of_longrope(string type, double factor)
    {
        using EditedFolder folder = new("phi3_longrope", c =>
        {
            c["rope_scaling"]!["type"] = type;
            return c;
        });
        RopeDescription rope = folder.Describe().Ropes[0];
        Assert.That(rope.Factor, Is.EqualTo(factor).Within(1e-6));
        Assert.That(rope.InverseFrequencies[7], Is.EqualTo(Math.Pow(10000, -7 / 8.0) / 4.5).Within(1e-5).Percent);
    }

    [TestCase("attention_bias", "true")]
    [TestCase("mlp_bias", "true")]
    [TestCase("full_attn_mod", "2")]
    [TestCase("interpolate_factor", "4")]
    [TestCase("num_local_experts", "16")]
    public void Options_that_are_not_supported_are_refused_by_name(string key, string value)
    {
        using EditedFolder folder = new("phi3", c =>
        {
            c[key] = JsonNode.Parse(value);
            return c;
        });
        Assert.That(folder.Describe, Throws.TypeOf<ModelFormatException>().With.Message.Contains(key));
    }
}
