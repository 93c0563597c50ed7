using Moesaic.Interop;
using Moesaic.Models.Decoder;
using Moesaic.TestSupport;

namespace Moesaic.Engine.Tests;

/// <summary>
/// Families in the concurrent engine: the same bits alone, among others in chunks of any size, after preemption and from cached
/// prefixes. What <see cref="BatchInvarianceTests"/> shows of the embedded model, for attention, windows and routers of all kinds.
/// </summary>
[TestFixture("deepseek_v2", KvFormat.BF16)]
[TestFixture("deepseek_v3", KvFormat.Int8)]
[TestFixture("gpt_oss", KvFormat.BF16)]
[TestFixture("dots1", KvFormat.BF16)]
[TestFixture("olmoe", KvFormat.BF16)]
[TestFixture("phi3_longrope", KvFormat.BF16)]
[TestFixture("qwen3_moe", KvFormat.BF16)]
internal sealed class FamilyServingTests(string name, KvFormat format)
{
    private const int NumSubjects = 4;
    private const int PromptLength = 70;
    private const int MaxTokens = 60;
    private const int BlockTokens = 16;
    private ModelRuntime? _runtime;
    private Answer[]? _alone;

    // Not in a set-up: a test that lacks its model says so itself.
    private ModelRuntime Runtime => _runtime ??= ModelRuntime.Load(
        TestPaths.Shared("fixtures", name), new EngineOptions { MaxContext = 192, KvFormat = format, Device = new DeviceOptions { NumThreads = 2 } });

    private bool HasWindows => Runtime.Description.Layers.Any(l => l.Attention.Window > 0);

    [OneTimeTearDown]
    public void Unload() => _runtime?.Dispose();

    [Test]
    public async Task Prefixes_come_from_the_cache()
    {
        using InferenceEngine engine = new(Runtime, new ServingOptions { BlockTokens = BlockTokens });
        for (int round = 0; round < 2; round++)
        {
            for (int i = 0; i < NumSubjects; i++)
            {
                Generation generation = engine.Submit(Asked(i));
                Answer answer = await ServingTestModel.ReadAsync(generation.Samples[0]);
                answer.AssertIs((await AloneAsync())[i], $"request {i}, round {round}");

                // Of a window only what lies in it has to be cached still.
                Assert.That(generation.NumCachedTokens, round == 0 ? Is.Zero : HasWindows ? Is.InRange(BlockTokens, 64) : Is.EqualTo(64));
            }
        }

        Assert.That(engine.CheckIntegrity(), Is.Null);
    }

    [Test]
    public async Task Sequences_are_preempted()
    {
        ServingOptions options = new() { BlockTokens = BlockTokens, MaxSequences = 8, MaxTokensPerStep = 48, PrefixCaching = false };
        long whole;
        using (InferenceEngine probe = new(Runtime, options))
        {
            EngineStatistics statistics = probe.Statistics();
            whole = statistics.KvCacheBytes;
            if (Runtime.Description.Layers[0].Attention.Latent is not null)
            {
                // 48 cached channels a layer and position; an int8 cache has two scales beside them.
                Assert.That(whole / statistics.BlocksTotal, Is.EqualTo(BlockTokens * 4 * (format == KvFormat.Int8 ? 48 + 8 : 2 * 48)));
            }
        }

        // Room for two whole sequences.
        using InferenceEngine engine = new(Runtime, options with { KvCacheBytes = whole / 8 * 2 });
        await AssertAloneAsync(engine, "preempted");
        Assert.That(engine.Statistics().Preemptions, Is.GreaterThan(0));
        Assert.That(engine.CheckIntegrity(), Is.Null);
    }

    [TestCase(1)]
    [TestCase(7)]
    [TestCase(33)]
    public async Task Among_others_in_chunks_of(int chunk)
    {
        using InferenceEngine engine = new(Runtime, new ServingOptions { MaxPrefillChunk = chunk, MaxTokensPerStep = 96, PrefixCaching = false });
        Task<Answer>[] others = [.. Enumerable.Range(NumSubjects, 4).Select(i => engine.AnswerAsync(Asked(i)))];
        await AssertAloneAsync(engine, $"chunks of {chunk}");
        await Task.WhenAll(others);
        Assert.That(Enumerable.Range(0, engine.Log.Count).Max(i => engine.Log[i].Running), Is.GreaterThan(NumSubjects), "sequences share steps");
    }

    private static GenerationRequest Asked(int kind) => ServingTestModel.Asked(kind, MaxTokens) with
    {
        Prompt = (int[])[.. Enumerable.Range(0, PromptLength).Select(i => 3 + (((i * 37) + (kind * 101)) % 500))],
    };

    private async Task AssertAloneAsync(InferenceEngine engine, string what)
    {
        Answer[] answers = await Task.WhenAll(Enumerable.Range(0, NumSubjects).Select(i => engine.AnswerAsync(Asked(i))));
        Answer[] alone = await AloneAsync();
        for (int i = 0; i < NumSubjects; i++)
        {
            answers[i].AssertIs(alone[i], $"request {i}, {what}");
        }
    }

    private async Task<Answer[]> AloneAsync()
    {
        if (_alone is null)
        {
            using InferenceEngine engine = new(Runtime, new ServingOptions { MaxSequences = 1, PrefixCaching = false });
            Answer[] answers = new Answer[NumSubjects];
            for (int i = 0; i < NumSubjects; i++)
            {
                answers[i] = await engine.AnswerAsync(Asked(i));
            }

            _alone = answers;
        }

        return _alone;
    }
}
