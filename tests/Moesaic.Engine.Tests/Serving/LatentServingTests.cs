using Moesaic.Interop;
using Moesaic.Models.Decoder;
using Moesaic.TestSupport;

namespace Moesaic.Engine.Tests;

/// <summary>Models with latent attention in the concurrent engine: the same bits alone, among others, after preemption and from cached prefixes.</summary>
[TestFixture("deepseek_v2", KvFormat.BF16)]
[TestFixture("deepseek_v3", KvFormat.BF16)]
[TestFixture("deepseek_v3", KvFormat.Int8)]
internal sealed class LatentServingTests(string name, KvFormat format)
{
    private const int NumSubjects = 4;
    private ModelRuntime? _runtime;

    // Not in a set-up: a test that lacks its model says so itself.
    private ModelRuntime Runtime => _runtime ??= ModelRuntime.Load(
        TestPaths.Shared("fixtures", name), new EngineOptions { MaxContext = 192, KvFormat = format, Device = new DeviceOptions { NumThreads = 2 } });

    [OneTimeTearDown]
    public void Unload() => _runtime?.Dispose();

    [Test]
    public async Task Prefixes_come_from_the_cache()
    {
        Answer[] alone = await AloneAsync();
        using InferenceEngine engine = new(Runtime, new ServingOptions { BlockTokens = 16 });
        for (int round = 0; round < 2; round++)
        {
            for (int i = 0; i < NumSubjects; i++)
            {
                Generation generation = engine.Submit(Asked(i));
                Answer answer = await ServingTestModel.ReadAsync(generation.Samples[0]);
                Assert.That(generation.NumCachedTokens, Is.EqualTo(round == 0 ? 0 : 64));
                answer.AssertIs(alone[i], $"request {i}, round {round}");
            }
        }
    }

    [Test]
    public async Task Sequences_share_steps_and_are_preempted()
    {
        Answer[] alone = await AloneAsync();
        ServingOptions options = new() { BlockTokens = 16, MaxSequences = 8, MaxTokensPerStep = 48, PrefixCaching = false };
        long blockBytes;
        using (InferenceEngine probe = new(Runtime, options))
        {
            EngineStatistics whole = probe.Statistics();
            blockBytes = whole.KvCacheBytes / whole.BlocksTotal;
        }

        // 48 cached channels a layer and position; an int8 cache has two scales beside them.
        Assert.That(blockBytes, Is.EqualTo(16 * 4 * (format == KvFormat.Int8 ? 48 + 8 : 2 * 48)));
        using InferenceEngine engine = new(Runtime, options with { KvCacheBytes = 12 * blockBytes });
        Answer[] answers = await Task.WhenAll(Enumerable.Range(0, NumSubjects).Select(i => engine.AnswerAsync(Asked(i))));
        for (int i = 0; i < NumSubjects; i++)
        {
            answers[i].AssertIs(alone[i], $"request {i}");
        }

        Assert.That(engine.Statistics().Preemptions, Is.GreaterThan(0));
        Assert.That(engine.CheckIntegrity(), Is.Null);
    }

    private static GenerationRequest Asked(int kind) => ServingTestModel.Asked(kind, maxTokens: 30) with
    {
        Prompt = (int[])[.. Enumerable.Range(0, 70).Select(i => 3 + (((i * 37) + (kind * 101)) % 500))],
    };

    private async Task<Answer[]> AloneAsync()
    {
        using InferenceEngine engine = new(Runtime, new ServingOptions { MaxSequences = 1, PrefixCaching = false });
        Answer[] answers = new Answer[NumSubjects];
        for (int i = 0; i < NumSubjects; i++)
        {
            answers[i] = await engine.AnswerAsync(Asked(i));
        }

        return answers;
    }
}
