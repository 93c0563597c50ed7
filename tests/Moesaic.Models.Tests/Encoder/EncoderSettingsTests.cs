using Moesaic.TestSupport;
using Moesaic.Models.Encoder;

namespace Moesaic.Models.Tests.Encoder;

/// <summary>Pooling, modules and settings of an encoder.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
internal sealed class EncoderSettingsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("encoder").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [TestCase(PoolingKind.Mean, new double[] { 2.5, 3.5, 0 })]
    [TestCase(PoolingKind.FirstToken, new double[] { 1, 2, 3 })]
    [TestCase(PoolingKind.LastToken, new double[] { 4, 5, -3 })]
    public void Pooling_is_what_its_definition_says(PoolingKind kind, double[] expected)
    {
        float[] hidden = [1, 2, 3, 4, 5, -3];
        float[] vector = new float[3];
        new PoolingDescription(kind, false).Apply(hidden, vector);
        Assert.That(vector, Is.EqualTo(expected));
        new PoolingDescription(kind, true).Apply(hidden, vector);
        double norm = Math.Sqrt(expected.Sum(x => x * x));
        Assert.That(vector, Is.EqualTo(expected.Select(x => x / norm)).Within(1e-7));
    }

    [Test]
    public void A_vector_of_zeros_stays_zeros()
    {
        float[] vector = new float[2];
        new PoolingDescription(PoolingKind.Mean, true).Apply([1, 0, -1, 0], vector);
        Assert.That(vector, Is.EqualTo(new float[2]));
    }

    [TestCase("""{"pooling_mode_cls_token": true, "pooling_mode_mean_tokens": false, "word_embedding_dimension": 64}""", PoolingKind.FirstToken)]
    [TestCase("""{"pooling_mode_mean_tokens": true, "include_prompt": true}""", PoolingKind.Mean)]
    [TestCase("""{"pooling_mode": "lasttoken", "embedding_dimension": 64}""", PoolingKind.LastToken)]
    public void Modules_say_how_to_pool(string pooling, PoolingKind kind)
    {
        CopyFixture();
        Write("modules.json", """[{"type": "sentence_transformers.models.Transformer", "path": ""}, {"type": "sentence_transformers.models.Pooling", "path": "1_Pooling"}]""");
        Write("1_Pooling/config.json", pooling);
        Assert.That(Open().Pooling, Is.EqualTo(new PoolingDescription(kind, false)));
        Write("modules.json", """[{"type": "sentence_transformers.models.Transformer", "path": ""}, {"type": "sentence_transformers.models.Pooling", "path": "1_Pooling"}, {"type": "sentence_transformers.models.Normalize", "path": "2_Normalize"}]""");
        Assert.That(Open().Pooling, Is.EqualTo(new PoolingDescription(kind, true)));
    }

    [TestCase("""[{"type": "x.Transformer", "path": ""}, {"type": "x.Pooling", "path": "1_Pooling"}, {"type": "x.Dense", "path": "2_Dense"}]""", "x.Dense")]
    [TestCase("""[{"type": "x.Transformer", "path": ""}]""", "no Pooling module")]
    [TestCase("""[{"type": "x.Transformer", "path": ""}, {"type": "x.Pooling", "path": "../1_Pooling"}]""", "outside the folder")]
    [TestCase("""{"type": 1}""", "expected an array")]
    [TestCase("""[{"type": 1}]""", "type")]
    [TestCase("[", "cannot be read")]
    public void Other_modules_are_refused_by_name(string modules, string part)
    {
        CopyFixture();
        Write("modules.json", modules);
        Write("1_Pooling/config.json", """{"pooling_mode_mean_tokens": true}""");
        Assert.That(Open, Throws.TypeOf<ModelFormatException>().With.Message.Contains(part));
    }

    [TestCase("""{"pooling_mode_mean_tokens": true, "pooling_mode_max_tokens": true}""", "mean_tokens and max_tokens")]
    [TestCase("""{"pooling_mode_mean_tokens": false}""", "no kind of pooling")]
    [TestCase("""{"pooling_mode_mean_tokens": true, "include_prompt": false}""", "include_prompt")]
    [TestCase("""{"pooling_mode_mean_tokens": true, "weights": 3}""", "weights")]
    public void Other_kinds_of_pooling_are_refused_by_name(string pooling, string part)
    {
        CopyFixture();
        Write("modules.json", """[{"type": "x.Transformer", "path": ""}, {"type": "x.Pooling", "path": "1_Pooling"}]""");
        Write("1_Pooling/config.json", pooling);
        Assert.That(Open, Throws.TypeOf<ModelFormatException>().With.Message.Contains(part));
    }

    [TestCase("\"hidden_act\": \"gelu\"", "\"hidden_act\": \"tanh\"", "hidden_act")]
    [TestCase("\"is_decoder\": false", "\"is_decoder\": true", "is_decoder")]
    [TestCase("\"is_decoder\": false", "\"is_decoder\": false, \"position_embedding_type\": \"relative_key\"", "position_embedding_type")]
    [TestCase("\"is_decoder\": false", "\"is_decoder\": false, \"alibi\": 1", "alibi")]
    [TestCase("\"num_attention_heads\": 4", "\"num_attention_heads\": 5", "num_attention_heads")]
    [TestCase("\"max_position_embeddings\": 128", "\"max_position_embeddings\": 100", "position_embeddings.weight")]
    public void Settings_that_are_not_supported_are_refused_by_name(string from, string to, string part)
    {
        CopyFixture();
        string config = Path.Combine(_folder, "config.json");
        string text = File.ReadAllText(config);
        Assert.That(text, Does.Contain(from));
        File.WriteAllText(config, text.Replace(from, to, StringComparison.Ordinal));
        Assert.That(
            () =>
            {
                using OpenedEncoder opened = OpenedEncoder.Open(_folder);
                EncoderPlan.Create(opened.Description, opened.Checkpoint);
            },
            Throws.TypeOf<ModelFormatException>().With.Message.Contains(part));
    }

    [Test]
    public void A_gguf_file_says_how_to_pool()
    {
        string path = Path.Combine(_folder, "model.gguf");
        BertGguf.Write(TestPaths.Shared("fixtures", "bert"), path, 1e-12f, 0, poolingType: 2);
        using OpenedEncoder opened = OpenedEncoder.Open(path);
        Assert.That(opened.Description.Pooling, Is.EqualTo(new PoolingDescription(PoolingKind.FirstToken, true)));
        BertGguf.Write(TestPaths.Shared("fixtures", "bert"), path, 1e-12f, 0, poolingType: 4);
        Assert.That(() => OpenedEncoder.Open(path), Throws.TypeOf<ModelFormatException>().With.Message.Contains("pooling_type"));
    }

    [Test]
    public void A_decoder_is_no_encoder()
    {
        string decoder = TestPaths.Shared("fixtures", "llama");
        Assert.That(OpenedEncoder.IsEncoder(decoder), Is.False);
        Assert.That(OpenedEncoder.IsEncoder(TestPaths.Shared("fixtures", "xlm_roberta")), Is.True);
        Assert.That(() => OpenedEncoder.Open(decoder), Throws.TypeOf<ModelFormatException>().With.Message.Contains("no encoder"));
    }

    private EncoderDescription Open()
    {
        using OpenedEncoder opened = OpenedEncoder.Open(_folder);
        return opened.Description;
    }

    private void CopyFixture()
    {
        foreach (string name in new[] { "config.json", "model.safetensors" })
        {
            File.Copy(Path.Combine(TestPaths.Shared("fixtures", "bert"), name), Path.Combine(_folder, name));
        }
    }

    private void Write(string name, string text)
    {
        string path = Path.Combine(_folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }
}
