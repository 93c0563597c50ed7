using Moesaic.Interop;
using Moesaic.TestSupport;

namespace Moesaic.Engine.Tests;

/// <summary>Gemma 3 in the concurrent engine: six layers with a window of 16 in a cache group of their own, one that sees everything.</summary>
internal sealed class WindowedModelTests
{
    private const int Context = 512;

    private static ModelRuntime Load() => ModelRuntime.Load(TestPaths.Shared("fixtures", "gemma3"), new EngineOptions { MaxContext = Context, Device = new DeviceOptions { NumThreads = 2 } });

    /// <summary>
    /// Prompts that begin alike, in a cache too small for all: whoever waits, is preempted, forks or starts from cached blocks
    /// gets the tokens that a session of its own gives, to the last bit.
    /// </summary>
    [Test]
    public async Task Prefix_cache_preemption_and_samples_change_nothing()
    {
        using ModelRuntime runtime = Load();
        ServingOptions bounds = new() { MaxSequences = 6, MaxTokensPerStep = 24, BlockTokens = 16 };
        long whole;
        using (InferenceEngine roomy = new(runtime, bounds))
        {
            whole = roomy.Statistics().KvCacheBytes;
        }

        using GenerationSession session = runtime.CreateSession();
        using InferenceEngine engine = new(runtime, bounds with { KvCacheBytes = whole / 6 * 2 });
        GenerationRequest[] asked = [.. Enumerable.Range(0, 10).Select(Asked)];
        for (int round = 0; round < 2; round++)
        {
            Generation[] running = [.. asked.Select(engine.Submit)];
            Answer[][] answers = await Task.WhenAll(running.Select(g => Task.WhenAll(g.Samples.Select(ServingTestModel.ReadAsync))));
            for (int i = 0; i < asked.Length; i++)
            {
                session.Begin(asked[i].Prompt.Span, asked[i].Sampling);
                while (session.TryNext(out _))
                {
                }

                Assert.That(answers[i][0].Ids, Is.EqualTo(session.Generated.ToArray()), $"round {round}, request {i}");
                Assert.That(answers[i].Select(a => a.Finish), Is.All.EqualTo(FinishReason.Length));
            }
        }

        EngineStatistics statistics = engine.Statistics();
        TestContext.Out.WriteLine($"cached {statistics.CachedTokens}, preemptions {statistics.Preemptions}, recomputed {statistics.RecomputedTokens}");
        Assert.That(statistics.CachedTokens, Is.GreaterThan(0));
        Assert.That(statistics.Preemptions, Is.GreaterThan(0));
        Assert.That(engine.CheckIntegrity(), Is.Null);
        Assert.That(statistics.BlocksUsed, Is.Zero);
    }

    /// <summary>A sequence of 500 positions holds all of them in one group and about its window in the other.</summary>
    [Test]
    public async Task Long_sequence_keeps_only_its_window_in_windowed_layers()
    {
        using ModelRuntime runtime = Load();
        using InferenceEngine engine = new(runtime, new ServingOptions { MaxSequences = 1, MaxTokensPerStep = 16, BlockTokens = 16, PrefixCaching = false });

        // Groups: (16 + 16 + 16) / 16 = 3 blocks with the window, 512 / 16 = 32 without.
        Assert.That(engine.Statistics().BlocksTotal, Is.EqualTo(3 + 32));
        GenerationRequest request = new()
        {
            Prompt = Enumerable.Range(0, 400).Select(i => (i * 37) % 500).ToArray(),
            Sampling = new SamplingParameters { Temperature = 0, MaxTokens = 100, IgnoreEndIds = true },
        };
        int most = 0, tokens = 0;
        await foreach (GenerationEvent step in engine.Submit(request).Samples[0])
        {
            tokens += step.Token is null ? 0 : 1;
            most = Math.Max(most, engine.Statistics().BlocksUsed);
        }

        Assert.That(tokens, Is.EqualTo(100));
        Assert.That(most, Is.InRange(26, 32 + 3), "400 positions and more take 25 blocks where nothing is let go");
        Assert.That(engine.CheckIntegrity(), Is.Null);
    }

    private static GenerationRequest Asked(int kind) => new()
    {
        Prompt = Enumerable.Range(0, 40 + (kind * 13 % 90)).Select(i => ((i * 37) + (i < 36 ? 0 : kind * 11)) % 512).ToArray(),
        NumSamples = kind % 4 == 1 ? 2 : 1,
        Sampling = new SamplingParameters { Temperature = 0.8f, Seed = (ulong)kind, MaxTokens = 60 + (kind * 17 % 120), IgnoreEndIds = true },
    };
}
