using Microsoft.Extensions.AI;
using Moesaic.Interop;
using Moesaic.TestSupport;

namespace Moesaic.Engine.Tests.Embeddings;

/// <summary>Texts to vectors: by one caller, by many at once, and through Microsoft.Extensions.AI.</summary>
internal sealed class EmbeddingTests
{
    private static readonly string[] s_texts = ["a river of cold water", "Stones.", "water", "a cold stone of a river of stones", "", "cold"];

    private string _folder = "";
    private EmbeddingModel _model = null!;

    [OneTimeSetUp]
    public void Load()
    {
        _folder = SmallEncoder.Write(Directory.CreateTempSubdirectory("embedding").FullName);
        _model = EmbeddingModel.Load(_folder, new EngineOptions { Device = new DeviceOptions { NumThreads = 2 } });
    }

    [OneTimeTearDown]
    public void Unload()
    {
        _model.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Test]
    public void Texts_get_their_special_tokens_and_vectors_of_length_one()
    {
        Assert.That(_model.Encode("Stones."), Is.EqualTo(new[] { 1, 5, 6, 11, 2 }));
        Assert.That(_model.Encode(""), Is.EqualTo(new[] { 1, 2 }));
        using EmbeddingRunner runner = _model.CreateRunner();
        foreach (float[] vector in runner.Embed([.. s_texts.Select(_model.Encode)]))
        {
            Assert.That(vector, Has.Length.EqualTo(SmallEncoder.Dimensions));
            Assert.That(vector.Sum(x => (double)x * x), Is.EqualTo(1).Within(1e-6));
        }
    }

    [Test]
    public void Hidden_states_come_in_order_and_are_what_is_pooled()
    {
        int[][] texts = [.. s_texts.Select(_model.Encode)];
        using EmbeddingRunner runner = _model.CreateRunner();
        List<float[]> hidden = [];
        float[][] vectors = runner.Embed(texts, (text, states) =>
        {
            Assert.That(text, Is.EqualTo(hidden.Count));
            hidden.Add(states.ToArray());
        });
        Assert.That(hidden.Select(h => h.Length), Is.EqualTo(texts.Select(t => t.Length * SmallEncoder.Dimensions)));
        double[] mean = [.. Enumerable.Range(0, SmallEncoder.Dimensions).Select(c => Enumerable.Range(0, texts[0].Length).Average(t => hidden[0][(t * SmallEncoder.Dimensions) + c]))];
        double norm = Math.Sqrt(mean.Sum(x => x * x));
        Assert.That(vectors[0], Is.EqualTo(mean.Select(x => x / norm)).Within(1e-6));
    }

    [Test]
    public async Task Callers_at_once_get_the_bits_that_each_text_has_alone()
    {
        using EmbeddingEngine engine = new(_model);
        using EmbeddingRunner runner = _model.CreateRunner();
        float[][] alone = [.. s_texts.Select(t => runner.Embed([_model.Encode(t)])[0])];
        Task<float[][]>[] calls = [.. Enumerable.Range(0, 40).Select(i => Task.Run(() => engine.EmbedAsync([.. Enumerable.Range(0, i % 9).Select(j => _model.Encode(s_texts[(i + j) % s_texts.Length]))])))];
        float[][][] found = await Task.WhenAll(calls);
        for (int i = 0; i < found.Length; i++)
        {
            Assert.That(found[i], Is.EqualTo(Enumerable.Range(0, i % 9).Select(j => alone[(i + j) % s_texts.Length])), $"call {i}");
        }

        Assert.That(engine.TextsDone, Is.EqualTo(Enumerable.Range(0, 40).Sum(i => i % 9)));
        Assert.That(engine.WaitingTexts, Is.Zero);
    }

    [Test]
    public async Task Texts_of_a_call_share_steps()
    {
        using EmbeddingEngine engine = new(_model);
        await engine.EmbedAsync([.. s_texts.Select(_model.Encode)]);
        Assert.That((engine.Steps, engine.TextsDone), Is.EqualTo((1L, (long)s_texts.Length)));
        Assert.That(engine.TokensDone, Is.EqualTo(s_texts.Sum(t => _model.Encode(t).Length)));
    }

    [Test]
    public async Task What_cannot_be_embedded_is_refused_and_harms_no_other()
    {
        using EmbeddingEngine engine = new(_model, maxWaitingTexts: 2);
        Assert.That(() => engine.EmbedAsync([[4], []]), Throws.ArgumentException);
        Assert.That(() => engine.EmbedAsync([[SmallEncoder.Vocabulary]]), Throws.ArgumentException.With.Message.Contains("token 0 is 12"));
        Assert.That(() => engine.EmbedAsync([new int[SmallEncoder.MaxContext + 1]]), Throws.TypeOf<ContextExceededException>());
        Assert.That(() => engine.EmbedAsync([[4], [5], [7]]), Throws.TypeOf<EmbeddingQueueFullException>());
        Assert.That(() => engine.EmbedAsync([[4]], new CancellationToken(canceled: true)), Throws.InstanceOf<OperationCanceledException>());
        Assert.That(await engine.EmbedAsync([[4], [5]]), Has.Length.EqualTo(2));
    }

    [Test]
    public async Task A_drain_waits_for_what_was_taken_and_takes_no_more()
    {
        using ManualResetEventSlim open = new();
        using EmbeddingEngine engine = new(_model) { BeforeStep = open.Wait };
        Task<float[][]> call = engine.EmbedAsync([[4], [5]]);
        Task drained = engine.DrainAsync(Timeout.InfiniteTimeSpan);
        Assert.That(() => engine.EmbedAsync([[4]]), Throws.InstanceOf<OperationCanceledException>().With.Message.Contains("drained"));
        Assert.That((drained.IsCompleted, call.IsCompleted), Is.EqualTo((false, false)));
        open.Set();
        Assert.That(await call, Has.Length.EqualTo(2));
        await drained;
        await engine.DrainAsync(TimeSpan.Zero);
    }

    [Test]
    public async Task A_drain_cancels_what_takes_too_long()
    {
        using ManualResetEventSlim open = new();
        using EmbeddingEngine engine = new(_model) { BeforeStep = open.Wait };
        Task<float[][]>[] calls = [engine.EmbedAsync([[4]]), engine.EmbedAsync([[5], [7]])];
        await engine.DrainAsync(TimeSpan.Zero);
        foreach (Task<float[][]> call in calls)
        {
            Assert.That(async () => await call, Throws.InstanceOf<OperationCanceledException>());
        }

        open.Set();
    }

    [Test]
    public void An_engine_that_ended_takes_no_more()
    {
        EmbeddingEngine engine = new(_model);
        engine.Dispose();
        engine.Dispose();
        Assert.That(() => engine.EmbedAsync([[4]]), Throws.TypeOf<ObjectDisposedException>());
    }

    [Test]
    public async Task The_generator_gives_vectors_usage_and_metadata()
    {
        using EmbeddingEngine engine = new(_model);
        using EngineEmbeddingGenerator generator = new(engine, "small");
        GeneratedEmbeddings<Embedding<float>> found = await generator.GenerateAsync(s_texts, new EmbeddingGenerationOptions { Dimensions = SmallEncoder.Dimensions });
        using EmbeddingRunner runner = _model.CreateRunner();
        float[][] expected = runner.Embed([.. s_texts.Select(_model.Encode)]);
        Assert.That(found.Select(e => e.Vector.ToArray()), Is.EqualTo(expected));
        Assert.That(found.Usage!.InputTokenCount, Is.EqualTo(s_texts.Sum(t => _model.Encode(t).Length)));
        Assert.That(found[0].ModelId, Is.EqualTo("small"));
        Assert.That(generator.GetService<EmbeddingGeneratorMetadata>()!.DefaultModelDimensions, Is.EqualTo(SmallEncoder.Dimensions));
        Assert.That(generator.GetService<EmbeddingEngine>(), Is.SameAs(engine));
        Assert.That(() => generator.GenerateAsync(["water"], new EmbeddingGenerationOptions { Dimensions = 8 }), Throws.TypeOf<NotSupportedException>());
    }

    [Test]
    public void A_decoder_is_refused_by_name() =>
        Assert.That(() => EmbeddingModel.Load(TestPaths.TestData("fixtures", "qwen2")), Throws.TypeOf<Models.ModelFormatException>().With.Message.Contains("no encoder"));
}
