using System.Text.Json.Nodes;
using Moesaic.Interop;
using Moesaic.Models.Checkpoints;
using Moesaic.Models.Checkpoints.Safetensors;
using Moesaic.Models.Decoder;
using Moesaic.Models.Encoder;
using Moesaic.Models.Export;
using Moesaic.Models.Tests.Decoder;
using Moesaic.Models.Tests.Encoder;
using Moesaic.TestSupport;

namespace Moesaic.Models.Tests.Families.Reference;

/// <summary>Encoders held against a plain forward pass, which itself is held to the fixtures: options and sizes that no fixture has.</summary>
internal sealed class PlainEncoderTests
{
    // Float32 comes to 1e-14, one GELU in place of the other to 2e-10.
    private const double Tolerance = 1e-12;

    private static readonly (string Fixture, string[] Edits)[] s_variants =
    [
        ("bert",
        [
            """{}""",
            """{"num_attention_heads":2}""",
            """{"num_attention_heads":1,"hidden_size":40,"intermediate_size":56,"num_hidden_layers":1}""",
            """{"num_attention_heads":6,"hidden_size":72,"intermediate_size":100,"vocab_size":97}""",
            """{"num_attention_heads":8,"intermediate_size":600,"num_hidden_layers":6}""",
            """{"hidden_act":"gelu_new"}""",
            """{"hidden_act":"gelu_pytorch_tanh"}""",
            """{"layer_norm_eps":1e-3}""",
            """{"type_vocab_size":1}""",
            """{"type_vocab_size":4,"max_position_embeddings":70}""",
        ]),
        ("xlm_roberta",
        [
            """{}""",
            """{"pad_token_id":0}""",
            """{"pad_token_id":5,"max_position_embeddings":70}""",
            """{"type_vocab_size":2,"layer_norm_eps":1e-12}""",
            """{"num_attention_heads":2,"hidden_size":56,"intermediate_size":72,"hidden_act":"gelu_new"}""",
        ]),
    ];

    private static IEnumerable<TestCaseData> Variants() => s_variants.SelectMany(v => v.Edits.Select(e => new TestCaseData(v.Fixture, e)));

    [TestCase("bert")]
    [TestCase("xlm_roberta")]
    public void Plain_states_match_the_reference(string name)
    {
        using SafetensorsFile file = SafetensorsFile.Open(TestPaths.Shared("fixtures", name, "model.safetensors"));
        using ReferenceFile reference = new(TestPaths.Shared("fixtures", name, "reference.safetensors"));
        PlainEncoder plain = new(Variant.Config(name), new PlainWeights(file));
        int[][] ids = reference.Ids();
        int[] lengths = [.. reference.Ids("attention_mask").Select(m => m.Sum())];
        float[][] rows = reference.Rows("last_hidden_state"), pooled = reference.Rows("mean_pooled_normalised");
        for (int text = 0; text < ids.Length; text++)
        {
            double[][] hidden = plain.Hidden(ids[text][..lengths[text]]);
            double nmse = Variant.Nmse(rows.AsSpan(text * ids[0].Length, lengths[text]).ToArray(), hidden);
            TestContext.Out.WriteLine($"NMSE {nmse:E2}");
            Assert.That(nmse, Is.LessThanOrEqualTo(1e-9));
            Assert.That(Variant.Nmse([pooled[text]], [PlainEncoder.Pool(hidden)]), Is.LessThanOrEqualTo(1e-9));
        }
    }

    [TestCaseSource(nameof(Variants))]
    public void States_match_a_plain_forward_pass(string fixture, string edits) => Check(fixture, edits, "", oldNorms: false);

    /// <summary>Within a model with heads, and from converted TensorFlow checkpoints.</summary>
    [TestCase("bert", "bert.", false)]
    [TestCase("bert", "", true)]
    [TestCase("xlm_roberta", "roberta.", false)]
    public void Names_may_have_a_prefix_or_be_old(string fixture, string prefix, bool oldNorms) => Check(fixture, "{}", prefix, oldNorms);

    [TestCaseSource(nameof(Variants))]
    public void States_from_a_written_GGUF_file_are_the_same(string fixture, string edits)
    {
        using Made made = new(fixture, edits);
        string path = made.Folder.Combine("out.gguf");
        using (OpenedEncoder encoder = OpenedEncoder.Open(made.Folder.Path))
        {
            ExportOptions options = new() { Mix = QuantisationMix.All.Single(mix => mix.Format == ElementFormat.BF16), Threads = 2 };
            if (edits.Contains("hidden_act", StringComparison.Ordinal))
            {
                Assert.That(() => GgufExporter.Write(encoder, path, options), Throws.InstanceOf<ModelFormatException>().With.Message.Contains("activation: GeluTanh"));
                return;
            }

            GgufExporter.Write(encoder, path, options);
        }

        using EncoderFixture written = new(path);
        Assert.That(Variant.Nmse(Rows(written.Hidden(made.Ids)[0], made.Hidden[0].Length), made.Hidden), Is.LessThanOrEqualTo(Tolerance));
    }

    /// <summary>A tokenizer.json alone names no padding, and yet positions are counted from its id.</summary>
    [Test]
    public void Padding_is_written_to_GGUF_from_the_configuration()
    {
        using Made made = new("xlm_roberta", """{"vocab_size":1802}""");
        File.Copy(TestPaths.Shared("tokenizers", "small", "sp_unigram_xlmr", "tokenizer.json"), made.Folder.Combine("tokenizer.json"));
        string path = made.Folder.Combine("out.gguf");
        using (OpenedEncoder encoder = OpenedEncoder.Open(made.Folder.Path))
        {
            Assert.That(GgufExporter.Write(encoder, path, new ExportOptions { Mix = QuantisationMix.All.Single(mix => mix.Format == ElementFormat.BF16), Threads = 2 }).HasTokenizer);
        }

        using EncoderFixture written = new(path);
        Assert.That(written.Description.PaddingId, Is.EqualTo(1));
        Assert.That(Variant.Nmse(Rows(written.Hidden(made.Ids)[0], made.Hidden[0].Length), made.Hidden), Is.LessThanOrEqualTo(Tolerance));
    }

    private static void Check(string fixture, string edits, string prefix, bool oldNorms)
    {
        using Made made = new(fixture, edits, prefix, oldNorms);
        using EncoderFixture encoder = new(made.Folder.Path);
        double nmse = Variant.Nmse(Rows(encoder.Hidden(made.Ids)[0], made.Hidden[0].Length), made.Hidden);
        TestContext.Out.WriteLine($"NMSE {nmse:E2}");
        Assert.That(nmse, Is.LessThanOrEqualTo(Tolerance));
        Assert.That(Variant.Nmse(encoder.Embed(made.Ids), [PlainEncoder.Pool(made.Hidden)]), Is.LessThanOrEqualTo(Tolerance));
        Assert.That(encoder.Description.ContextLength, Is.EqualTo(made.Context));
    }

    private static float[][] Rows(float[] hidden, int width) => [.. hidden.Chunk(width)];

    // A folder with made-up weights, and what the plain pass makes of a text.
    private sealed class Made : IDisposable
    {
        public Made(string fixture, string edits, string prefix = "", bool oldNorms = false)
        {
            JsonObject config = Variant.Config(fixture, edits);
            PlainWeights weights = new();
            bool isXlm = fixture == "xlm_roberta";
            int padding = config["pad_token_id"]!.GetValue<int>();
            Context = config["max_position_embeddings"]!.GetValue<int>() - (isXlm ? padding + 1 : 0);

            // As long as the positions reach, without padding.
            Ids = [.. Variant.Ids(Math.Min(Context, 90), config["vocab_size"]!.GetValue<int>()).Select(id => id == padding ? 7 : id)];
            Hidden = new PlainEncoder(config, weights, prefix, oldNorms).Hidden(Ids);
            Variant.Save(Folder.Path, config, weights);
        }

        public TemporaryFolder Folder { get; } = new();

        public int Context { get; }

        public int[] Ids { get; }

        public double[][] Hidden { get; }

        public void Dispose() => Folder.Dispose();
    }
}
