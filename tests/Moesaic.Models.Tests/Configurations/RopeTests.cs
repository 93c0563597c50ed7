using Moesaic.Models.Checkpoints.Gguf;
using Moesaic.Models.Configurations;
using Moesaic.TestSupport;

namespace Moesaic.Models.Tests.Configurations;

/// <summary>Rope settings in both spellings, and the frequencies against published numbers and converters' tensors.</summary>
public sealed class RopeTests
{
    [TestCase(64, 1e4, 4096, 10.4722, 22.5134, TestName = "DeepSeek")]
    [TestCase(64, 150000, 4096, 8.09278, 17.39802, TestName = "GPT-OSS")]
    [TestCase(64, 6e5, 32768, 12.251, 20.587, TestName = "Ling")]
    [TestCase(128, 1e6, 32768, 23.596, 39.651, TestName = "Qwen")]
    public void Yarn_correction_range(int dimensions, double theta, double original, double fast, double slow)
    {
        Assert.That(RopeFrequencies.YarnCorrection(32, dimensions, theta, original), Is.EqualTo(fast).Within(6e-4));
        Assert.That(RopeFrequencies.YarnCorrection(1, dimensions, theta, original), Is.EqualTo(slow).Within(6e-4));
    }

    [TestCase("""{"rope_type":"yarn","factor":32,"original_max_position_embeddings":4096,"truncate":false}""", 1.3465736, 1)]
    [TestCase("""{"rope_type":"yarn","factor":4,"original_max_position_embeddings":32768}""", 1.1386294, 1)]
    [TestCase("""{"type":"yarn","factor":40,"original_max_position_embeddings":4096,"mscale":1.0,"mscale_all_dim":1.0}""", 1, 1.8738542)]
    [TestCase("""{"type":"yarn","factor":40,"original_max_position_embeddings":4096,"mscale":0.707,"mscale_all_dim":0.707}""", 1, 1.5896262)]
    [TestCase("""{"type":"yarn","factor":40,"original_max_position_embeddings":4096,"mscale":1.0,"mscale_all_dim":0.707}""", 1.3688879 / 1.2608038, 1.5896262)]
    [TestCase("""{"type":"yarn","factor":4,"original_max_position_embeddings":64,"attention_factor":1.5}""", 1.5, 1)]
    public void Yarn_factors(string scaling, double attention, double softmax)
    {
        RopeFrequencies frequencies = Compute($$$"""{"rope_theta":10000,"rope_scaling":{{{scaling}}}}""", 64);

        Assert.That(frequencies.AttentionFactor, Is.EqualTo(attention).Within(1e-6));
        Assert.That(frequencies.SoftmaxScaleFactor, Is.EqualTo(softmax).Within(1e-6));
    }

    [Test]
    public void Softmax_scales_of_released_models()
    {
        Assert.That(Math.Pow(RopeFrequencies.LogScale(40, 1), 2) / Math.Sqrt(192), Is.EqualTo(0.13523378).Within(1e-8));
        Assert.That(Math.Pow(RopeFrequencies.LogScale(40, 0.707), 2) / Math.Sqrt(192), Is.EqualTo(0.11472139).Within(1e-8));
        Assert.That(Math.Pow(RopeFrequencies.LogScale(32, 1), 2) / Math.Sqrt(192), Is.EqualTo(0.13086080).Within(1e-8));
    }

    [Test]
    public void Yarn_blends_between_kept_and_divided_frequencies()
    {
        float[] plain = Compute("""{"rope_theta":10000}""", 64).Inverse;
        float[] rounded = Compute("""{"rope_theta":10000,"rope_scaling":{"type":"yarn","factor":40,"original_max_position_embeddings":4096}}""", 64).Inverse;
        float[] unrounded = Compute("""{"rope_theta":10000,"rope_scaling":{"type":"yarn","factor":40,"original_max_position_embeddings":4096,"truncate":false}}""", 64).Inverse;

        Assert.Multiple(() =>
        {
            Assert.That(plain[0], Is.EqualTo(1f));
            Assert.That(plain[16], Is.EqualTo(0.01f));
            Assert.That(rounded[10], Is.EqualTo(plain[10]));
            Assert.That(rounded[23], Is.EqualTo(plain[23] / 40).Within(1e-5).Percent);
            double ramp = 5 / 13.0;
            Assert.That(rounded[15], Is.EqualTo(plain[15] * ((ramp / 40) + 1 - ramp)).Within(1e-5).Percent);
            ramp = (15 - 10.4722) / (22.5134 - 10.4722);
            Assert.That(unrounded[15], Is.EqualTo(plain[15] * ((ramp / 40) + 1 - ramp)).Within(1e-3).Percent);
        });
    }

    [Test]
    public void Linear_divides_every_frequency()
    {
        float[] plain = Compute("""{"rope_theta":10000}""", 32).Inverse;
        float[] scaled = Compute("""{"rope_theta":10000,"rope_scaling":{"type":"linear","factor":8}}""", 32).Inverse;

        Assert.That(scaled, Is.EqualTo(plain.Select(f => f / 8)));
    }

    [Test]
    public void Llama3_scaling_is_what_the_converter_worked_out()
    {
        using GgufFile gguf = GgufFile.Open(TestPaths.Shared("fixtures_gguf", "llama31_scaled.gguf"));
        JsonConfig json = JsonConfig.Load(TestPaths.Shared("fixtures", "llama31_scaled", "config.json"));
        RopeSettings converted = GgufRope.Read(new GgufConfig(gguf.Metadata), gguf, new GgufRopeRules());

        float[] expected = RopeFrequencies.Compute(converted, 32, 1024, "gguf", GgufRope.ReadDivisors(gguf, 16)).Inverse;
        float[] actual = RopeFrequencies.Compute(HuggingFaceRope.Read(json), 32, 1024, "json").Inverse;

        Assert.That(expected[^1], Is.Not.EqualTo(Compute("""{"rope_theta":10000}""", 32).Inverse[^1]));
        for (int i = 0; i < actual.Length; i++)
        {
            Assert.That(actual[i], Is.EqualTo(expected[i]).Within(1e-4).Percent, $"frequency {i}");
        }
    }

    [TestCase("ling_yarn", 16)]
    [TestCase("llama31_scaled", 32)]
    public void Both_containers_say_the_same(string name, int dimensions)
    {
        using GgufFile gguf = GgufFile.Open(TestPaths.Shared("fixtures_gguf", name + ".gguf"));
        RopeSettings json = HuggingFaceRope.Read(JsonConfig.Load(TestPaths.Shared("fixtures", name, "config.json")));
        RopeSettings converted = GgufRope.Read(new GgufConfig(gguf.Metadata), gguf, new GgufRopeRules());

        Assert.That(converted.Theta, Is.EqualTo(json.Theta));
        RopeFrequencies a = RopeFrequencies.Compute(converted, dimensions, 1024, "gguf", GgufRope.ReadDivisors(gguf, dimensions / 2));
        RopeFrequencies b = RopeFrequencies.Compute(json, dimensions, 1024, "json");
        Assert.That(a.AttentionFactor, Is.EqualTo(b.AttentionFactor));
        for (int i = 0; i < a.Inverse.Length; i++)
        {
            Assert.That(a.Inverse[i], Is.EqualTo(b.Inverse[i]).Within(1e-4).Percent, $"frequency {i}");
        }
    }

    [Test]
    public void Longrope_chooses_a_set_by_the_context_and_scales_by_the_ratio()
    {
        const string json = """{"rope_theta":10000,"max_position_embeddings":131072,"original_max_position_embeddings":4096,"rope_scaling":{"type":"su","short_factor":[1,2],"long_factor":[4,8]}}""";
        RopeSettings settings = HuggingFaceRope.Read(JsonConfigTests.Parse(json));

        RopeFrequencies shortest = RopeFrequencies.Compute(settings, 4, 4096, "config.json");
        RopeFrequencies longest = RopeFrequencies.Compute(settings, 4, 4097, "config.json");

        Assert.That(shortest.Inverse, Is.EqualTo(new[] { 1f, 0.005f }));
        Assert.That(longest.Inverse, Is.EqualTo(new[] { 0.25f, 0.00125f }));
        Assert.That(longest.AttentionFactor, Is.EqualTo(1.1902380714).Within(1e-7));
        Assert.That(() => RopeFrequencies.Compute(settings, 6, 1, "config.json"), Throws.TypeOf<ModelFormatException>().With.Message.Contains("2 frequency factors; expected one for each of the 3"));
    }

    /// <summary>
    /// Past the original context every kind turns its slowest pair at most as far as the unscaled one within it; the expected
    /// frequencies are the formulas' values worked out in double precision elsewhere.
    /// </summary>
    [TestCase("""{"rope_theta":1e6,"rope_scaling":{"type":"linear","factor":8}}""", 256, 1, 32768, 262143, 0.89768713 / 8, 1.11397386e-6 / 8)]
    [TestCase("""{"rope_theta":5e5,"rope_scaling":{"rope_type":"llama3","factor":8,"low_freq_factor":1,"high_freq_factor":4,"original_max_position_embeddings":8192}}""", 128, 1, 8192, 65535, 0.81461722, 2.45514079e-6 / 8)]
    [TestCase("""{"rope_theta":1e6,"rope_scaling":{"type":"yarn","factor":4,"original_max_position_embeddings":32768}}""", 128, 1, 32768, 131071, 0.80584219, 1.24093776e-6 / 4)]
    public void Frequencies_beyond_the_original_context(string json, int dimensions, int fast, int original, int position, double second, double last)
    {
        float[] inverse = Compute(json, dimensions).Inverse;
        Assert.That(inverse[fast], Is.EqualTo(second).Within(1e-4).Percent);
        Assert.That(inverse[^1], Is.EqualTo(last).Within(1e-4).Percent);
        double theta = json.Contains("5e5", StringComparison.Ordinal) ? 5e5 : 1e6;
        Assert.That(inverse[^1] * position, Is.LessThanOrEqualTo(Math.Pow(theta, -(dimensions - 2.0) / dimensions) * original));
    }

    [Test]
    public void Both_spellings_read_the_same()
    {
        RopeSettings former = Read("""{"rope_theta":5e5,"rope_scaling":{"type":"llama3","factor":8,"low_freq_factor":1,"high_freq_factor":4,"original_max_position_embeddings":8192}}""");
        RopeSettings current = Read("""{"rope_parameters":{"rope_theta":5e5,"rope_type":"llama3","factor":8,"low_freq_factor":1,"high_freq_factor":4,"original_max_position_embeddings":8192,"partial_rotary_factor":0.5}}""");

        Assert.That(current with { PartialRotaryFactor = null }, Is.EqualTo(former));
        Assert.That(current.PartialRotaryFactor, Is.EqualTo(0.5));
    }

    [Test]
    public void Parameters_split_by_layer_type_are_found()
    {
        JsonConfig config = JsonConfigTests.Parse("""{"rope_parameters":{"full_attention":{"rope_theta":1e6,"rope_type":"linear","factor":8},"sliding_attention":{"rope_theta":1e4,"rope_type":"default"}}}""");

        Assert.That(HuggingFaceRope.Read(config, layerType: "full_attention").Scaling.Factor, Is.EqualTo(8));
        Assert.That(HuggingFaceRope.Read(config, layerType: "sliding_attention"), Is.EqualTo(new RopeSettings(1e4, RopeScaling.None)));
        Assert.That(config.RequireAllRead, Throws.Nothing);
    }

    [TestCase("""{"rope_scaling":{"type":"dynamic","factor":2}}""", "rope_scaling.type: the kind of rope scaling 'dynamic' is not supported")]
    [TestCase("""{"rope_scaling":{"type":"linear","rope_type":"yarn","factor":2}}""", "rope_scaling.rope_type: it says 'yarn', while type says 'linear'")]
    [TestCase("""{"rope_scaling":{"type":"linear"}}""", "rope_scaling.factor: this key is missing")]
    [TestCase("""{"rope_scaling":{"type":"linear","factor":0.5}}""", "rope_scaling.factor: the value 0.5 lies outside 1 to")]
    [TestCase("""{"rope_theta":0}""", "rope_theta: the value 0 lies outside")]
    [TestCase("""{"rope_theta":1,"rope_scaling":null}""", "rope_theta: the value 1 lies outside")]
    [TestCase("""{"rope_theta":10,"rope_parameters":{"rope_theta":11}}""", "rope_parameters.rope_theta: it says 11, while the rope_theta outside says 10")]
    [TestCase("""{"rope_scaling":{"type":"default"},"rope_parameters":{}}""", "both rope_scaling and rope_parameters")]
    [TestCase("""{"rope_scaling":{"type":"llama3","factor":8,"low_freq_factor":4,"high_freq_factor":4,"original_max_position_embeddings":64}}""", "must be above low_freq_factor")]
    [TestCase("""{"rope_scaling":{"type":"yarn","factor":8}}""", "max_position_embeddings: this key is missing")]
    [TestCase("""{"rope_scaling":{"type":"longrope","original_max_position_embeddings":4,"factor":2,"short_factor":[0],"long_factor":[1]}}""", "rope_scaling.short_factor: every factor must lie above 0")]
    public void Impossible_settings_are_refused(string json, string message)
    {
        Assert.That(() => Read(json), Throws.TypeOf<ModelFormatException>().With.Message.Contains(message));
    }

    [Test]
    public void Unknown_key_inside_the_rope_object_is_left_unread()
    {
        JsonConfig config = JsonConfigTests.Parse("""{"rope_scaling":{"type":"linear","factor":2,"new_option":1}}""");
        HuggingFaceRope.Read(config);

        Assert.That(config.UnreadKeys, Is.EqualTo(new[] { "rope_scaling.new_option" }));
    }

    private static RopeSettings Read(string json) => HuggingFaceRope.Read(JsonConfigTests.Parse(json));

    private static RopeFrequencies Compute(string json, int dimensions) => RopeFrequencies.Compute(Read(json), dimensions, 1024, "config.json");
}
