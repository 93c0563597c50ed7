using System.Text.Json.Nodes;
using Moesaic.Interop;
using Moesaic.Models.Checkpoints;
using Moesaic.Models.Configurations;
using Moesaic.Models.Decoder;
using Moesaic.Models.Families;
using Moesaic.Models.Tests.Decoder;
using Moesaic.TestSupport;

namespace Moesaic.Models.Tests.Families;

/// <summary>An encoder-decoder: one pass over the whole input and the whole output against the reference, then in steps.</summary>
public sealed class SwitchTransformerTests
{
    private static string Fixture => TestPaths.Shared("fixtures", "switch");

    [Test]
    public void Logits_match_the_reference()
    {
        using DecoderFixture fixture = new(Fixture);
        using ReferenceFile reference = new(TestPaths.Shared("fixtures", "switch", "reference.safetensors"));
        double nmse = LogitsMeasure.Nmse(Run(fixture.Decoder, reference, int.MaxValue).SelectMany(s => s), reference.Rows());
        TestContext.Out.WriteLine($"NMSE {nmse:E2}");
        Assert.That(nmse, Is.LessThanOrEqualTo(1e-6));
    }

    [Test]
    public void Fast_precision_stays_near()
    {
        using DecoderFixture fixture = new(Fixture);
        using ReferenceFile reference = new(TestPaths.Shared("fixtures", "switch", "reference.safetensors"));
        float[][][] logits = Run(fixture.Decoder, reference, int.MaxValue, Precision.Fast, KvFormat.BF16);

        // Looser than elsewhere: scores of attention are not scaled, so rounded keys weigh more (NMSE 0.02 of this checkpoint with
        // the same experts), and one token that chooses another expert moves the queues of all that follow it.
        Assert.That(LogitsMeasure.Nmse(logits.SelectMany(s => s), reference.Rows()), Is.LessThan(0.1));
    }

    /// <summary>With the experts that float32 arithmetic chooses, dropped ones too, only the arithmetic itself is left.</summary>
    [Test]
    public void Fast_precision_with_the_same_experts_stays_within_tolerance()
    {
        using DecoderFixture fixture = new(Fixture);
        using ReferenceFile reference = new(TestPaths.Shared("fixtures", "switch", "reference.safetensors"));
        Queue<int[]> choices = new();
        Run(fixture.Decoder, reference, int.MaxValue, after: (executor, tokens) =>
        {
            int perLayer = tokens * executor.TopK;
            int[] step = new int[executor.NumMoeLayers * perLayer];
            for (int layer = 0; layer < executor.NumMoeLayers; layer++)
            {
                executor.ReadExpertChoices(layer, step.AsSpan(layer * perLayer, perLayer));
            }

            choices.Enqueue(step);
        });
        Assert.That(choices, Has.Count.EqualTo(4));
        Assert.That(choices.First(), Does.Contain(-1), "some are dropped");
        float[][][] logits = Run(fixture.Decoder, reference, int.MaxValue, Precision.Fast, KvFormat.F32, before: (executor, tokens) => executor.ForceExpertChoices(choices.Dequeue(), tokens));
        double nmse = LogitsMeasure.Nmse(logits.SelectMany(s => s), reference.Rows());
        TestContext.Out.WriteLine($"NMSE {nmse:E2}");
        Assert.That(nmse, Is.LessThanOrEqualTo(1e-3));
    }

    /// <summary>Capacity is counted over the output's positions, whatever steps they come in.</summary>
    [TestCase(1)]
    [TestCase(7)]
    public void The_output_may_come_in_steps(int step)
    {
        using DecoderFixture fixture = new(Fixture);
        using ReferenceFile reference = new(TestPaths.Shared("fixtures", "switch", "reference.safetensors"));
        float[][][] whole = Run(fixture.Decoder, reference, int.MaxValue);
        float[][][] steps = Run(fixture.Decoder, reference, step);
        for (int s = 0; s < whole.Length; s++)
        {
            for (int t = 0; t < whole[s].Length; t++)
            {
                Assert.That(steps[s][t].AsSpan().SequenceEqual(whole[s][t]), Is.True, $"sequence {s}, position {t}");
            }
        }
    }

    /// <summary>Buckets of T5 as its own code gives them for 32 buckets and distances up to 128.</summary>
    [TestCase(false, new[] { 5, 0, -1, -15, -16, -17, -31, -32, -64, -127, -128, -5000 }, new[] { 0, 0, 1, 15, 16, 16, 21, 21, 26, 31, 31, 31 })]
    [TestCase(true, new[] { 0, -1, 1, -7, 7, -8, 8, -16, 16, -32, 32, -64, -128, 5000 }, new[] { 0, 1, 17, 7, 23, 8, 24, 10, 26, 12, 28, 14, 15, 31 })]
    public void Buckets_are_those_of_T5(bool bidirectional, int[] distances, int[] buckets)
    {
        PositionBiasDescription bias = new(VectorSource.Whole("b", 64), 2, 32, 128, bidirectional);
        Assert.That(distances.Select(bias.BucketOf), Is.EqualTo(buckets));
    }

    [TestCase("dense_act_fn", "\"gelu_new\"")]
    [TestCase("router_ignore_padding_tokens", "true")]
    [TestCase("is_encoder_decoder", "false")]
    [TestCase("feed_forward_proj", "\"gated-gelu\"")]
    [TestCase("expert_capacity", "0")]
    [TestCase("is_gated_act", "true")]
    [TestCase("router_type", "\"experts_masked\"")]
    public void Options_that_are_not_supported_are_refused_by_name(string key, string value)
    {
        JsonObject config = JsonNode.Parse(File.ReadAllText(Path.Combine(Fixture, "config.json")))!.AsObject();
        config[key] = JsonNode.Parse(value);
        string folder = Path.Combine(TestContext.CurrentContext.WorkDirectory, $"switch-{key}");
        Directory.CreateDirectory(folder);
        string path = Path.Combine(folder, "config.json");
        File.WriteAllText(path, config.ToJsonString());
        using OpenedModel model = OpenedModel.Open(Fixture);
        ModelFormatException error = Assert.Throws<ModelFormatException>(() => ModelFamilies.Describe(HuggingFaceConfig.Load(path), model.Checkpoint))!;
        Assert.That(error.Message, Does.Contain(key));
    }

    [Test]
    public void Former_configurations_are_read()
    {
        JsonObject config = JsonNode.Parse(File.ReadAllText(Path.Combine(Fixture, "config.json")))!.AsObject();
        config.Remove("dense_act_fn");
        config["feed_forward_proj"] = "relu";
        config["is_gated_act"] = false;
        config["router_type"] = "tokens_masked";
        using OpenedModel model = OpenedModel.Open(Fixture);
        DecoderDescription decoder = ModelFamilies.Describe(HuggingFaceConfig.Parse(System.Text.Encoding.UTF8.GetBytes(config.ToJsonString()), "config.json"), model.Checkpoint);
        Assert.That(decoder.Layers.Select(l => l.FeedForward.Activation), Is.EqualTo(model.Description.Layers.Select(l => l.FeedForward.Activation)));
    }

    [Test]
    public void A_decoder_family_refuses_to_be_an_encoder_decoder()
    {
        string llama = TestPaths.Shared("fixtures", "llama");
        JsonObject config = JsonNode.Parse(File.ReadAllText(Path.Combine(llama, "config.json")))!.AsObject();
        config["is_encoder_decoder"] = true;
        using OpenedModel model = OpenedModel.Open(llama);
        HuggingFaceConfig changed = HuggingFaceConfig.Parse(System.Text.Encoding.UTF8.GetBytes(config.ToJsonString()), "config.json");
        Assert.That(() => ModelFamilies.Describe(changed, model.Checkpoint), Throws.TypeOf<ModelFormatException>().With.Message.Contains("is_encoder_decoder"));
    }

    [Test]
    public void A_decoder_executor_refuses_it()
    {
        using DecoderFixture fixture = new(Fixture);
        Assert.That(() => fixture.Executor(DecoderFixture.Reference).Dispose(), Throws.TypeOf<NotSupportedException>().With.Message.Contains("encoder-decoder"));
    }

    private static float[][][] Run(
        LoadedDecoder decoder,
        ReferenceFile reference,
        int step,
        Precision precision = Precision.Reference,
        KvFormat format = KvFormat.F32,
        Action<EncoderDecoderExecutor, int>? before = null,
        Action<EncoderDecoderExecutor, int>? after = null)
    {
        int[][] inputs = reference.Ids();
        int[][] outputs = reference.Ids("decoder_input_ids");
        using EncoderDecoderExecutor executor = new(decoder, new EncoderDecoderOptions
        {
            Precision = precision,
            KvFormat = format,
            MaxInputTokens = inputs.Max(i => i.Length),
            MaxOutputTokens = outputs.Max(o => o.Length),
            AllLogits = true,
            RecordExpertChoices = before is not null || after is not null,
            PageTokens = 16,
        });
        float[][][] logits = [.. outputs.Select(o => new float[o.Length][])];
        for (int s = 0; s < inputs.Length; s++)
        {
            before?.Invoke(executor, inputs[s].Length);
            executor.Encode(inputs[s]);
            after?.Invoke(executor, inputs[s].Length);
            foreach (int[] part in outputs[s].Chunk(Math.Min(step, outputs[s].Length)))
            {
                int first = executor.OutputLength;
                before?.Invoke(executor, part.Length);
                executor.Decode(part);
                after?.Invoke(executor, part.Length);
                executor.Stream.Synchronize();
                int cols = (int)executor.Logits.Cols;
                for (int i = 0; i < part.Length; i++)
                {
                    logits[s][first + i] = new float[cols];
                    executor.Logits.Buffer!.Download<float>(executor.Stream, (long)i * cols * sizeof(float), logits[s][first + i]);
                }
            }
        }

        return logits;
    }
}
