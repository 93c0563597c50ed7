using System.Collections.Immutable;

namespace Moesaic.Engine.Tests;

/// <summary>Requests of every kind at once, on a cache that is too small for them: each gets what it gets alone.</summary>
internal sealed class CrowdTests
{
    private const int NumRequests = 60;

    [TestCase(1)]
    [TestCase(2)]
    public async Task A_crowd_gets_what_each_gets_alone(int seed)
    {
        using ModelRuntime runtime = ServingTestModel.Embedded();
        ServingOptions options = new() { BlockTokens = 16, MaxSequences = 12, MaxTokensPerStep = 48 };
        long blockBytes;
        using (InferenceEngine probe = new(runtime, options))
        {
            blockBytes = probe.Statistics().KvCacheBytes / probe.Statistics().BlocksTotal;
        }

        Random random = new(seed);
        GenerationRequest[] asked = [.. Enumerable.Range(0, NumRequests).Select(_ => Asked(random))];
        bool[] leaves = [.. asked.Select(_ => random.Next(4) == 0)];
        using InferenceEngine engine = new(runtime, options with { KvCacheBytes = blockBytes * 30 });
        using InferenceEngine quiet = new(runtime, options with { MaxSequences = 4, PrefixCaching = false });
        Generation[] crowd = [.. asked.Select(engine.Submit)];
        await Task.WhenAll(Enumerable.Range(0, NumRequests).Where(i => leaves[i]).SelectMany(i => crowd[i].Samples).Select(async sample =>
        {
            await foreach (GenerationEvent step in sample)
            {
                if (sample.NumGenerated == 4)
                {
                    break;
                }
            }
        })).WaitAsync(ServingTestModel.Limit);
        for (int i = 0; i < NumRequests; i++)
        {
            if (leaves[i])
            {
                continue;
            }

            Answer[] answers = await Task.WhenAll(crowd[i].Samples.Select(ServingTestModel.ReadAsync));
            Generation alone = quiet.Submit(asked[i]);
            Answer[] expected = await Task.WhenAll(alone.Samples.Select(ServingTestModel.ReadAsync));
            for (int s = 0; s < expected.Length; s++)
            {
                answers[s].AssertIs(expected[s], $"request {i}, sample {s}");
            }

            if (asked[i].PromptLogprobs is not null)
            {
                AssertSame(await crowd[i].PromptLogprobs!.WaitAsync(ServingTestModel.Limit), await alone.PromptLogprobs!.WaitAsync(ServingTestModel.Limit), $"prompt {i}");
            }
        }

        EngineStatistics statistics = engine.Statistics();
        Assert.That(statistics.Preemptions, Is.GreaterThan(0));
        Assert.That(statistics.CachedTokens, Is.GreaterThan(0));
        await engine.DrainAsync(Timeout.InfiniteTimeSpan).WaitAsync(ServingTestModel.Limit);
        Assert.That(engine.Statistics().BlocksUsed, Is.Zero);
        Assert.That(engine.CheckIntegrity(), Is.Null);
    }

    private static GenerationRequest Asked(Random random)
    {
        // A few prompts come again, so that the cache is hit.
        int kind = random.Next(8);
        GenerationRequest asked = ServingTestModel.Asked(kind, 8 + random.Next(40), length: 20 + (kind * 9));
        return asked with
        {
            Sampling = asked.Sampling with { Seed = (ulong)random.Next(3), MinTokens = random.Next(8), IgnoreEndIds = random.Next(2) == 0 },
            NumSamples = random.Next(4) == 0 ? 3 : 1,
            PromptLogprobs = random.Next(4) == 0 ? random.Next(3) : null,
            Priority = random.Next(3),
            Tenant = random.Next(2) == 0 ? "a" : "b",
        };
    }

    private static void AssertSame(ImmutableArray<PromptTokenLogprob> found, ImmutableArray<PromptTokenLogprob> expected, string what)
    {
        Assert.That(found, Has.Length.EqualTo(expected.Length), what);
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.That((found[i].Id, found[i].Logprob, found[i].Rank), Is.EqualTo((expected[i].Id, expected[i].Logprob, expected[i].Rank)), what);
            Assert.That(found[i].Alternatives, Is.EqualTo(expected[i].Alternatives), what);
        }
    }
}
