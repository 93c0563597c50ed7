using Moesaic.TestSupport;
using Moesaic.Interop;
using Moesaic.Models.Decoder;
using Moesaic.Models.Encoder;
using Moesaic.Models.Families;
using Moesaic.Models.Tests.Decoder;

namespace Moesaic.Models.Tests.Encoder;

/// <summary>BERT and XLM-R against the reference results of their own code, from both containers.</summary>
[TestFixture("bert", false)]
[TestFixture("bert", true)]
[TestFixture("xlm_roberta", false)]
[TestFixture("xlm_roberta", true)]
internal sealed class EncoderTests(string fixture, bool gguf)
{
    private string _folder = "";
    private string _path = "";
    private int[][] _texts = [];
    private float[][] _reference = [];
    private float[][] _pooled = [];

    [OneTimeSetUp]
    public void Prepare()
    {
        _path = TestPaths.Shared("fixtures", fixture);
        using ReferenceFile reference = new(Path.Combine(_path, "reference.safetensors"));
        int[][] ids = reference.Ids();
        int[] lengths = [.. reference.Ids("attention_mask").Select(m => m.Sum())];
        int padded = ids[0].Length;
        float[][] rows = reference.Rows("last_hidden_state");
        _texts = [.. ids.Select((t, i) => t[..lengths[i]])];
        _reference = [.. ids.Select((_, i) => rows.Skip(i * padded).Take(lengths[i]).SelectMany(r => r).ToArray())];
        _pooled = reference.Rows("mean_pooled_normalised");
        if (gguf)
        {
            _folder = Directory.CreateTempSubdirectory("encoder").FullName;
            bool xlm = fixture == "xlm_roberta";
            BertGguf.Write(_path, Path.Combine(_folder, "model.gguf"), xlm ? 1e-5f : 1e-12f, xlm ? 2 : 0);
            _path = Path.Combine(_folder, "model.gguf");
        }
    }

    [OneTimeTearDown]
    public void Clean()
    {
        if (_folder.Length > 0)
        {
            Directory.Delete(_folder, recursive: true);
        }
    }

    [Test]
    public void Hidden_states_and_pooled_vectors_are_the_references()
    {
        using EncoderFixture encoder = new(_path);
        Assert.That(LogitsMeasure.Nmse(encoder.Hidden(_texts), _reference), Is.LessThan(1e-6));
        Assert.That(LogitsMeasure.Nmse(encoder.Embed(_texts), _pooled), Is.LessThan(1e-6));
    }

    [Test]
    public void Fast_precision_stays_within_its_bound()
    {
        using EncoderFixture encoder = new(_path, Precision.Fast);
        Assert.That(LogitsMeasure.Nmse(encoder.Hidden(_texts), _reference), Is.LessThan(1e-3));
    }

    [TestCase(Precision.Reference)]
    [TestCase(Precision.Fast)]
    public void A_text_has_the_same_bits_alone_and_among_others(Precision precision)
    {
        using EncoderFixture encoder = new(_path, precision);
        int[][] texts = [_texts[0], _texts[1][..1], _texts[1], _texts[0][..17], _texts[1][3..20], _texts[0]];
        float[][] together = encoder.Hidden(texts);
        for (int i = 0; i < texts.Length; i++)
        {
            Assert.That(encoder.Hidden(texts[i])[0], Is.EqualTo(together[i]), $"text {i}");
        }

        Assert.That(together[5], Is.EqualTo(together[0]));
    }

    [Test]
    public void Too_long_texts_and_unknown_ids_are_refused_and_harm_nothing()
    {
        using EncoderFixture encoder = new(_path);
        float[] before = encoder.Hidden(_texts[1])[0];
        Assert.That(encoder.Description.ContextLength, Is.EqualTo(128));
        Assert.That(() => encoder.Hidden(new int[129]), Throws.ArgumentException.With.Message.Contains("129 tokens; expected 1 to 128"));
        Assert.That(() => encoder.Hidden([]), Throws.ArgumentException);
        Assert.That(() => encoder.Hidden([512]), Throws.TypeOf<NativeException>());
        Assert.That(encoder.Hidden(_texts[1])[0], Is.EqualTo(before));
        Assert.That(encoder.Hidden([.. Enumerable.Repeat(_texts[0], 3).SelectMany(t => t).Take(128)])[0], Has.All.Not.NaN);
    }

    [Test]
    public void The_decoders_loader_says_what_the_model_is_for() =>
        Assert.That(() => OpenedModel.Open(_path), Throws.TypeOf<ModelFormatException>().With.Message.Contains("is an encoder"));
}
