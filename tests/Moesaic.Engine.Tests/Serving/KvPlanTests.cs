using Moesaic.Interop;
using Moesaic.Models.Decoder;
using Moesaic.Scheduling;
using Moesaic.TestSupport;

namespace Moesaic.Engine.Tests;

/// <summary>How a cache's bytes become blocks of its groups, and that layers with a window run with few of them.</summary>
internal sealed class KvPlanTests
{
    private static readonly KvGroupDescription s_full = new([0], 2, 64, 64, 0);
    private static readonly KvGroupDescription s_windowed = new([1], 2, 64, 64, 100);
    private static readonly ExecutorOptions s_bounds = new() { MaxSequences = 10, MaxTokens = 64, PageTokens = 16 };

    [Test]
    public void A_budget_serves_the_same_number_of_sequences_in_every_group()
    {
        // Blocks of a sequence: 1024 / 16 = 64 and (100 + 64 + 16) / 16 rounded up = 12.
        KvPlan plan = KvPlan.Create([s_full, s_windowed], [1000, 500], s_bounds, 1024, 5 * ((64 * 1000) + (12 * 500)), null);
        Assert.That(plan.Groups.Select(g => g.NumBlocks), Is.EqualTo(new[] { 320, 60 }));
        Assert.That(plan.Groups.Select(g => g.Window), Is.EqualTo(new[] { 0, 100 }));
        Assert.That(plan.Bytes, Is.EqualTo(350_000));
    }

    [TestCase(null, 640, TestName = "Never more than all sequences of full context")]
    [TestCase(1L, 64, TestName = "Never less than one sequence unless asked for")]
    [TestCase(128_000L, 128, TestName = "Else what memory is left")]
    public void Without_a_number(long? available, int blocks) =>
        Assert.That(KvPlan.Create([s_full], [1000], s_bounds, 1024, null, available).Groups[0].NumBlocks, Is.EqualTo(blocks));

    [Test]
    public void More_than_is_of_use_is_not_taken() =>
        Assert.That(KvPlan.Create([s_full], [1000], s_bounds, 1024, 1L << 50, null).Bytes, Is.EqualTo(640_000));

    [Test]
    public void Too_small_a_budget_says_what_a_block_takes() =>
        Assert.That(() => KvPlan.Create([s_full], [1000], s_bounds, 1024, 999, null), Throws.ArgumentException.With.Message.Contains("1000"));

    /// <summary>Two cache groups, one of them with a window that sequences outgrow several times.</summary>
    [Test]
    public async Task Layers_with_a_window_reuse_its_blocks()
    {
        using TemporaryFolder folder = new();
        foreach (string file in (string[])["generation_config.json", "model.safetensors"])
        {
            File.Copy(TestPaths.TestData("fixtures", "qwen2", file), folder.Combine(file));
        }

        string config = await File.ReadAllTextAsync(TestPaths.TestData("fixtures", "qwen2", "config.json"));
        await File.WriteAllTextAsync(folder.Combine("config.json"), config
            .Replace("\"full_attention\",\n    \"full_attention\",", "\"full_attention\",\n    \"sliding_attention\",", StringComparison.Ordinal)
            .Replace("\"sliding_window\": null", "\"sliding_window\": 24", StringComparison.Ordinal)
            .Replace("\"use_sliding_window\": false", "\"use_sliding_window\": true", StringComparison.Ordinal));
        using ModelRuntime runtime = ModelRuntime.Load(folder.Path, new EngineOptions { MaxContext = 160, Device = new DeviceOptions { NumThreads = 2 } });
        Assert.That(runtime.Description.KvGroups.Select(g => g.Window), Is.EqualTo(new[] { 0, 24 }));
        using GenerationSession session = runtime.CreateSession();
        ServingOptions options = new() { MaxSequences = 4, MaxTokensPerStep = 16, BlockTokens = 16 };
        using InferenceEngine engine = new(runtime, options);

        // Windowed groups: (24 + 16 + 16) / 16 rounded up = 4 blocks a sequence, where a full one has 10.
        EngineStatistics sizes = engine.Statistics();
        Assert.That(sizes.BlocksTotal, Is.EqualTo(4 * (10 + 4)));
        GenerationRequest[] asked = [.. Enumerable.Range(0, 8).Select(i => Asked(i, runtime.VocabularySize))];
        Answer[] answers = await Task.WhenAll(asked.Select(engine.AnswerAsync));
        Answer[] again = await Task.WhenAll(asked.Select(engine.AnswerAsync));
        for (int i = 0; i < asked.Length; i++)
        {
            session.Begin(asked[i].Prompt.Span, asked[i].Sampling);
            while (session.TryNext(out _))
            {
            }

            Assert.That(answers[i].Ids, Is.EqualTo(session.Generated.ToArray()), $"request {i}");
            again[i].AssertIs(answers[i], $"request {i} again");
        }

        Assert.That(engine.CheckIntegrity(), Is.Null);
        Assert.That(engine.Statistics().BlocksUsed, Is.Zero);
    }

    private static GenerationRequest Asked(int kind, int vocabulary) => new()
    {
        Prompt = Enumerable.Range(0, 50).Select(i => ((i * 37) + (kind * 11)) % vocabulary).ToArray(),
        Sampling = new SamplingParameters { Temperature = 0.8f, Seed = (ulong)kind, MaxTokens = 90, IgnoreEndIds = true },
    };
}
