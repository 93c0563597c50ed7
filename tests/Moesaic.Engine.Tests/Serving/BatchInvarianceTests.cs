using Moesaic.Interop;
using Moesaic.TestSupport;

namespace Moesaic.Engine.Tests;

/// <summary>
/// The same request and seed give the same tokens and the same bits of every log-probability, whatever else runs: alone, among
/// others, after preemption, with a cache hit, in any chunks.
/// </summary>
[TestFixture(false)]
[TestFixture(true)]
internal sealed class BatchInvarianceTests(bool smolLm2)
{
    private const int NumSubjects = 5;
    private readonly int _maxTokens = smolLm2 ? 12 : 24;
    private ModelRuntime? _runtime;

    // Not in a set-up: a test that lacks its model says so itself.
    private ModelRuntime Runtime => _runtime ??= smolLm2
        ? ModelRuntime.Load(TestPaths.Shared("models", "SmolLM2-135M-Instruct.Q4_1.gguf"), new EngineOptions { MaxContext = 256, Device = new DeviceOptions { NumThreads = 2 } })
        : ServingTestModel.Embedded();

    [OneTimeTearDown]
    public void Unload() => _runtime?.Dispose();

    [Test]
    public async Task Among_sixty_four_others()
    {
        Answer[] alone = await AloneAsync(_maxTokens);
        using ManualResetEventSlim submitted = new();
        using InferenceEngine engine = new(Runtime, new ServingOptions(), inner => new GatedExecutor(inner)
        {
            OnCollect = _ => submitted.Wait(ServingTestModel.Limit),
        });
        Task<Answer>[] others = [.. Enumerable.Range(NumSubjects, 32).Select(i => engine.AnswerAsync(Asked(i, _maxTokens)))];
        Task<Answer>[] subjects = [.. Enumerable.Range(0, NumSubjects).Select(i => engine.AnswerAsync(Asked(i, _maxTokens)))];
        Task<Answer>[] more = [.. Enumerable.Range(NumSubjects + 32, 32).Select(i => engine.AnswerAsync(Asked(i, _maxTokens)))];
        submitted.Set();
        Assert.That(await Task.WhenAll(subjects), Has.Length.EqualTo(NumSubjects));
        await Task.WhenAll([.. others, .. more]);
        Assert.That(Enumerable.Range(0, engine.Log.Count).Max(i => engine.Log[i].Running), Is.EqualTo(64), "sequences really share steps");
        AssertSame(subjects, alone, "among others");
        Assert.That(engine.CheckIntegrity(), Is.Null);
    }

    [Test]
    public async Task After_preemption()
    {
        const int Tokens = 40;
        Answer[] alone = await AloneAsync(Tokens, length: 20);
        using InferenceEngine engine = new(Runtime, TinyCache(blocks: 16));
        Task<Answer>[] subjects = [.. Enumerable.Range(0, NumSubjects).Select(i => engine.AnswerAsync(Asked(i, Tokens, length: 20)))];
        await Task.WhenAll(subjects);
        EngineStatistics statistics = engine.Statistics();
        Assert.That(statistics.Preemptions, Is.GreaterThan(0));
        Assert.That(statistics.RecomputedTokens, Is.GreaterThan(0));
        AssertSame(subjects, alone, "after preemption");
        Assert.That(engine.CheckIntegrity(), Is.Null);
    }

    [Test]
    public async Task With_a_hit_in_the_prefix_cache()
    {
        Answer[] alone = await AloneAsync(_maxTokens, length: 70);
        using InferenceEngine engine = new(Runtime, new ServingOptions { BlockTokens = 16 });
        for (int round = 0; round < 2; round++)
        {
            for (int i = 0; i < NumSubjects; i++)
            {
                Generation generation = engine.Submit(Asked(i, _maxTokens, length: 70));
                Answer answer = await ServingTestModel.ReadAsync(generation.Samples[0]);
                Assert.That(generation.NumCachedTokens, Is.EqualTo(round == 0 ? 0 : 64));
                answer.AssertIs(alone[i], $"request {i}, round {round}");
            }
        }

        Assert.That(engine.Statistics().CachedTokens, Is.EqualTo(64 * NumSubjects));
    }

    [TestCase(1)]
    [TestCase(7)]
    [TestCase(33)]
    public async Task In_chunks_of(int chunk)
    {
        Answer[] alone = await AloneAsync(_maxTokens, length: 70);
        using InferenceEngine engine = new(Runtime, new ServingOptions { MaxPrefillChunk = chunk, MaxTokensPerStep = 96, PrefixCaching = false });
        Task<Answer>[] subjects = [.. Enumerable.Range(0, NumSubjects).Select(i => engine.AnswerAsync(Asked(i, _maxTokens, length: 70)))];
        await Task.WhenAll(subjects);
        AssertSame(subjects, alone, $"chunks of {chunk}");
    }

    private static GenerationRequest Asked(int kind, int maxTokens, int length = 0) => ServingTestModel.Asked(kind, maxTokens, length);

    private ServingOptions TinyCache(int blocks)
    {
        ServingOptions options = new() { BlockTokens = 16, MaxSequences = 8, PrefixCaching = false };
        using InferenceEngine probe = new(Runtime, options);
        EngineStatistics statistics = probe.Statistics();
        return options with { KvCacheBytes = statistics.KvCacheBytes / statistics.BlocksTotal * blocks };
    }

    private async Task<Answer[]> AloneAsync(int maxTokens, int length = 0)
    {
        using InferenceEngine engine = new(Runtime, new ServingOptions { MaxSequences = 1, PrefixCaching = false });
        Answer[] answers = new Answer[NumSubjects];
        for (int i = 0; i < NumSubjects; i++)
        {
            answers[i] = await engine.AnswerAsync(Asked(i, maxTokens, length));
        }

        return answers;
    }

    private static void AssertSame(Task<Answer>[] subjects, Answer[] alone, string what)
    {
        for (int i = 0; i < NumSubjects; i++)
        {
            subjects[i].Result.AssertIs(alone[i], $"request {i} {what}");
        }
    }
}
