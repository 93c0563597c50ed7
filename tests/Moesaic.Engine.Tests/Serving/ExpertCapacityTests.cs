using Moesaic.Interop;
using Moesaic.Models.Decoder;

namespace Moesaic.Engine.Tests;

/// <summary>
/// Experts that take a bounded number of a sequence's tokens: the counts follow the sequence through shared steps, chunks,
/// preemption and the prefix cache, so that a request gets what it gets alone.
/// </summary>
[TestFixture(RouterOverflow.Drop)]
[TestFixture(RouterOverflow.NextBest)]
internal sealed class ExpertCapacityTests(RouterOverflow overflow)
{
    private const int NumSubjects = 5;
    private const int MaxTokens = 32;
    private const int PromptLength = 70;
    private ModelRuntime _runtime = null!;
    private Answer[] _alone = null!;

    [OneTimeSetUp]
    public async Task Load()
    {
        _runtime = ModelRuntime.Load(null, new EngineOptions
        {
            MaxContext = 256,
            Device = new DeviceOptions { NumThreads = 2 },
            EditDescription = d => d with { Layers = [.. d.Layers.Select(Limit)] },
        });
        _alone = await AnswersAsync(_runtime, new ServingOptions { MaxSequences = 1, PrefixCaching = false });
    }

    [OneTimeTearDown]
    public void Unload() => _runtime.Dispose();

    [Test]
    public async Task The_limit_changes_answers()
    {
        using ModelRuntime unlimited = ServingTestModel.Embedded();
        Answer[] answers = await AnswersAsync(unlimited, new ServingOptions { MaxSequences = 1, PrefixCaching = false });
        Assert.That(answers.Zip(_alone).Count(p => !p.First.LogprobBits.SequenceEqual(p.Second.LogprobBits)), Is.EqualTo(NumSubjects));
    }

    [Test]
    public async Task Shared_steps_and_chunks() =>
        AssertAlone(await AnswersAsync(_runtime, new ServingOptions { MaxPrefillChunk = 7, MaxTokensPerStep = 96, PrefixCaching = false }));

    [Test]
    public async Task Preemption_counts_anew()
    {
        ServingOptions options = new() { BlockTokens = 16, MaxSequences = 8, PrefixCaching = false };
        long blockBytes;
        using (InferenceEngine probe = new(_runtime, options))
        {
            blockBytes = probe.Statistics().KvCacheBytes / probe.Statistics().BlocksTotal;
        }

        using InferenceEngine engine = new(_runtime, options with { KvCacheBytes = blockBytes * 22 });
        AssertAlone(await AnswersAsync(engine));
        Assert.That(engine.Statistics().Preemptions, Is.GreaterThan(0));
    }

    [Test]
    public async Task A_cached_prefix_brings_its_counts()
    {
        using InferenceEngine engine = new(_runtime, new ServingOptions { BlockTokens = 16 });
        for (int round = 0; round < 2; round++)
        {
            AssertAlone(await AnswersAsync(engine));
        }

        Assert.That(engine.Statistics().CachedTokens, Is.EqualTo(64 * NumSubjects));
    }

    [Test]
    public async Task Samples_of_one_prompt_count_for_themselves()
    {
        using InferenceEngine engine = new(_runtime, new ServingOptions { BlockTokens = 16 });
        Generation generation = engine.Submit(ServingTestModel.Asked(0, MaxTokens, PromptLength) with { NumSamples = 3 });
        Answer[] samples = await Task.WhenAll(generation.Samples.Select(ServingTestModel.ReadAsync));
        using InferenceEngine quiet = new(_runtime, new ServingOptions { MaxSequences = 3, PrefixCaching = false, BlockTokens = 64 });
        Generation again = quiet.Submit(ServingTestModel.Asked(0, MaxTokens, PromptLength) with { NumSamples = 3 });
        Answer[] expected = await Task.WhenAll(again.Samples.Select(ServingTestModel.ReadAsync));
        for (int i = 0; i < samples.Length; i++)
        {
            samples[i].AssertIs(expected[i], $"sample {i}");
        }

        samples[0].AssertIs(_alone[0], "first sample");
    }

    private LayerDescription Limit(LayerDescription layer) => layer.FeedForward is MoeDescription moe
        ? layer with { FeedForward = moe with { Router = moe.Router with { Capacity = new ExpertCapacity(overflow, 9) } } }
        : layer;

    private static async Task<Answer[]> AnswersAsync(ModelRuntime runtime, ServingOptions options)
    {
        using InferenceEngine engine = new(runtime, options);
        return await AnswersAsync(engine);
    }

    private static Task<Answer[]> AnswersAsync(InferenceEngine engine) =>
        Task.WhenAll(Enumerable.Range(0, NumSubjects).Select(i => engine.AnswerAsync(ServingTestModel.Asked(i, MaxTokens, PromptLength))));

    private void AssertAlone(Answer[] answers)
    {
        for (int i = 0; i < NumSubjects; i++)
        {
            answers[i].AssertIs(_alone[i], $"request {i}");
        }
    }
}
