using System.Text.Json.Nodes;
using Moesaic.Interop;
using Moesaic.Models.Checkpoints.Safetensors;
using Moesaic.Models.Decoder;
using Moesaic.Models.Tests.Decoder;
using Moesaic.TestSupport;

namespace Moesaic.Models.Tests.Families.Reference;

/// <summary>Switch Transformer held against a plain forward pass, which itself is held to the fixture: options and sizes that it does not have.</summary>
internal sealed class PlainSwitchTests
{
    [Test]
    public void Plain_logits_match_the_reference()
    {
        using SafetensorsFile file = SafetensorsFile.Open(TestPaths.Shared("fixtures", "switch", "model.safetensors"));
        using ReferenceFile reference = new(TestPaths.Shared("fixtures", "switch", "reference.safetensors"));
        PlainSwitch plain = new(Variant.Config("switch"), new PlainWeights(file));
        int[][] inputs = reference.Ids(), outputs = reference.Ids("decoder_input_ids");
        double[][] logits = [.. inputs.Zip(outputs, plain.Logits).SelectMany(rows => rows)];
        double nmse = Variant.Nmse(reference.Rows(), logits);
        TestContext.Out.WriteLine($"NMSE {nmse:E2}, {plain.Dropped} dropped");
        Assert.That(nmse, Is.LessThanOrEqualTo(1e-9));
        Assert.That(plain.Dropped, Is.Positive);
    }

    [TestCase("""{}""")]
    [TestCase("""{"num_heads":3,"d_kv":10,"d_model":48,"d_ff":72}""")]
    [TestCase("""{"num_heads":1,"d_kv":24,"vocab_size":97}""")]
    [TestCase("""{"num_layers":2,"num_decoder_layers":3}""")]
    [TestCase("""{"num_layers":3,"num_decoder_layers":1,"encoder_sparse_step":3,"decoder_sparse_step":2}""")]
    [TestCase("""{"num_decoder_layers":null,"num_layers":2}""")]
    [TestCase("""{"encoder_sparse_step":1,"decoder_sparse_step":1,"num_experts":5}""")]
    [TestCase("""{"encoder_sparse_step":0,"decoder_sparse_step":0}""")]
    [TestCase("""{"encoder_sparse_step":null,"decoder_sparse_step":null,"num_sparse_encoder_layers":4,"num_sparse_decoder_layers":1}""")]
    [TestCase("""{"expert_capacity":1}""")]
    [TestCase("""{"expert_capacity":64}""")]
    [TestCase("""{"expert_capacity":null,"num_experts":1}""")]
    [TestCase("""{"router_bias":true,"num_experts":12}""")]
    [TestCase("""{"tie_word_embeddings":false}""")]
    [TestCase("""{"relative_attention_num_buckets":8,"relative_attention_max_distance":20}""")]
    [TestCase("""{"relative_attention_num_buckets":48,"relative_attention_max_distance":40}""")]
    [TestCase("""{"layer_norm_epsilon":1e-3}""")]
    public void Logits_match_a_plain_forward_pass(string edits)
    {
        JsonObject config = Variant.Config("switch", edits);
        PlainWeights weights = new();
        PlainSwitch plain = new(config, weights);
        int vocabulary = config["vocab_size"]!.GetValue<int>();
        int[] input = Variant.Ids(70, vocabulary), output = [.. Variant.Ids(50, vocabulary).Reverse()];
        double[][] expected = plain.Logits(input, output);
        using EditedCheckpoint checkpoint = weights.ToCheckpoint();
        DecoderDescription description = Variant.Describe(config, checkpoint);
        float[][] whole = Run(description, checkpoint, input, output, output.Length);
        double nmse = Variant.Nmse(whole, expected);
        TestContext.Out.WriteLine($"NMSE {nmse:E2}, {plain.Dropped} dropped");
        Assert.That(nmse, Is.LessThanOrEqualTo(1e-9));
        float[][] stepwise = Run(description, checkpoint, input, output, 7);
        Assert.That(stepwise.Zip(whole).All(p => p.First.AsSpan().SequenceEqual(p.Second)), Is.True, "in steps");
    }

    private static float[][] Run(DecoderDescription description, EditedCheckpoint checkpoint, int[] input, int[] output, int step)
    {
        using Device device = Device.Open(new DeviceOptions { NumThreads = 2 });
        using LoadedDecoder decoder = DecoderLoader.Load(device, LoadPlan.Create(description, checkpoint));
        using EncoderDecoderExecutor executor = new(decoder, new EncoderDecoderOptions
        {
            Precision = Precision.Reference,
            KvFormat = KvFormat.F32,
            MaxInputTokens = input.Length,
            MaxOutputTokens = output.Length,
            AllLogits = true,
            PageTokens = 16,
        });
        executor.Encode(input);
        List<float[]> logits = [];
        foreach (int[] part in output.Chunk(step))
        {
            executor.Decode(part);
            executor.Stream.Synchronize();
            for (int i = 0; i < part.Length; i++)
            {
                float[] row = new float[executor.Logits.Cols];
                executor.Logits.Buffer!.Download<float>(executor.Stream, i * executor.Logits.Cols * sizeof(float), row);
                logits.Add(row);
            }
        }

        return [.. logits];
    }
}
