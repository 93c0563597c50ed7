using System.Text.Json;
using Moesaic.Interop;
using Moesaic.Models.Decoder;
using Moesaic.TestSupport;

namespace Moesaic.Engine.Tests;

/// <summary>Greedy continuations of the real models against their references, and what sessions promise.</summary>
public sealed class GenerationTests
{
    private static readonly EngineOptions s_reference = new()
    {
        Precision = Precision.Reference,
        KvFormat = KvFormat.F32,
        Device = new DeviceOptions { NumThreads = 2 },
    };

    [Test]
    public void Embedded_model_gives_the_reference_answers()
    {
        using JsonDocument reference = JsonDocument.Parse(File.ReadAllBytes(TestPaths.Shared("models", "ling-wordnet-16m.reference.json")));
        using ModelRuntime runtime = ModelRuntime.Load(TestPaths.Shared("models", "ling-wordnet-16m.Q8_0.gguf"), s_reference);
        using TextGenerator generator = runtime.CreateGenerator();
        foreach (JsonElement expected in reference.RootElement.GetProperty("generations").EnumerateArray())
        {
            string prompt = expected.GetProperty("prompt").GetString()!;
            int[] promptIds = Ids(expected, "prompt_ids");
            Assert.That(runtime.EncodeChat([new ChatTurn("user", prompt)]), Is.EqualTo(promptIds), prompt);
            int[] greedy = Ids(expected, "greedy_ids");
            GenerationResult result = generator.Complete(promptIds, new SamplingParameters { Temperature = 0, MaxTokens = greedy.Length });
            Assert.That(result.Ids, Is.EqualTo(greedy), prompt);
            Assert.That(result.Text, Is.EqualTo(expected.GetProperty("greedy_text").GetString()), prompt);
        }
    }

    [Test]
    public void SmolLM2_gives_the_reference_ids()
    {
        using JsonDocument reference = JsonDocument.Parse(File.ReadAllBytes(TestPaths.Shared("models", "SmolLM2-135M-Instruct.reference.json")));
        using ModelRuntime runtime = ModelRuntime.Load(TestPaths.Shared("models", "SmolLM2-135M-Instruct.Q4_1.gguf"), s_reference with { MaxContext = 512 });
        using GenerationSession session = runtime.CreateSession();
        foreach (JsonElement expected in reference.RootElement.GetProperty("generations").EnumerateArray())
        {
            int[] greedy = Ids(expected, "greedy_ids");
            Assert.That(Generate(session, Ids(expected, "prompt_ids"), new SamplingParameters { Temperature = 0, MaxTokens = greedy.Length, IgnoreEndIds = true }), Is.EqualTo(greedy));
        }
    }

    [Test]
    public void A_kept_cache_changes_nothing_and_saves_work()
    {
        using ModelRuntime runtime = Small();
        int[] first = [5, 17, 3, 99, 41, 7, 8];
        SamplingParameters sampling = new() { Seed = 7, Temperature = 0.8f, TopK = 40, MaxTokens = 12, RepetitionPenalty = 1.1f, IgnoreEndIds = true };
        using GenerationSession kept = runtime.CreateSession();
        int[] answer = Generate(kept, first, sampling);
        int[] second = [.. first, .. answer, 11, 12, 13];
        int[] continued = Generate(kept, second, sampling);
        Assert.That(kept.Timings.ReusedTokens, Is.EqualTo(first.Length + answer.Length - 1));
        using GenerationSession fresh = runtime.CreateSession();
        Assert.That(Generate(fresh, second, sampling), Is.EqualTo(continued));
        Assert.That(fresh.Timings.ReusedTokens, Is.Zero);
    }

    [Test]
    public void Decoding_allocates_no_managed_memory([Values("llama_yarn", "ling_mtp")] string name)
    {
        using ModelRuntime runtime = Small(name);
        using GenerationSession session = runtime.CreateSession();
        SamplingParameters sampling = new() { Seed = 1, Temperature = 0.9f, TopP = 0.9f, FrequencyPenalty = 0.1f, MaxTokens = 60, IgnoreEndIds = true, TopLogprobs = 5 };
        Generate(session, [1, 2, 3], sampling);
        session.Begin([9, 8, 7, 6], sampling);
        Assert.That(session.TryNext(out _), Is.True);
        long before = GC.GetAllocatedBytesForCurrentThread();
        while (session.TryNext(out _))
        {
        }

        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.Zero);
        Assert.That(session.Generated.Length, Is.EqualTo(60));
    }

    [Test]
    public void A_full_context_ends_generation_and_a_longer_prompt_is_refused()
    {
        using ModelRuntime runtime = Small(options: s_reference with { MaxContext = 16, PrefillChunk = 4 });
        using GenerationSession session = runtime.CreateSession();
        int[] ids = Generate(session, [1, 2, 3, 4, 5, 6], new SamplingParameters { Temperature = 0, IgnoreEndIds = true });
        Assert.That(ids, Has.Length.EqualTo(11));
        Assert.That(session.Finish, Is.EqualTo(FinishReason.Length));
        ContextExceededException error = Assert.Throws<ContextExceededException>(() => session.Begin(new int[17], new SamplingParameters()))!;
        Assert.That(error.Message, Does.Contain("17").And.Contain("16"));
    }

    [Test]
    public void Stop_ids_cancellation_and_impossible_values_end_or_refuse()
    {
        using ModelRuntime runtime = Small();
        using GenerationSession session = runtime.CreateSession();
        int[] ids = Generate(session, [1, 2, 3], new SamplingParameters { Temperature = 0, MaxTokens = 5, IgnoreEndIds = true });
        Generate(session, [1, 2, 3], new SamplingParameters { Temperature = 0, StopIds = [ids[2]], IgnoreEndIds = true });
        Assert.That(session.Finish, Is.EqualTo(FinishReason.StopId));
        Assert.That(session.Generated.Length, Is.LessThanOrEqualTo(3));
        using CancellationTokenSource cancelled = new();
        cancelled.Cancel();
        session.Begin([4, 5], new SamplingParameters());
        Assert.That(session.TryNext(out _, cancelled.Token), Is.False);
        Assert.That(session.Finish, Is.EqualTo(FinishReason.Cancelled));
        Assert.Throws<ArgumentException>(() => session.Begin([], new SamplingParameters()));
        Assert.Throws<ArgumentException>(() => session.Begin([-1], new SamplingParameters()));
        Assert.Throws<ArgumentException>(() => session.Begin([1], new SamplingParameters { TopP = 0 }));
        Assert.Throws<ArgumentException>(() => session.Begin([1], new SamplingParameters { Temperature = float.NaN }));
    }

    private static ModelRuntime Small(string name = "llama_yarn", EngineOptions? options = null) =>
        ModelRuntime.Load(TestPaths.TestData("fixtures", name), options ?? s_reference);

    private static int[] Generate(GenerationSession session, int[] prompt, SamplingParameters parameters)
    {
        session.Begin(prompt, parameters);
        while (session.TryNext(out _))
        {
        }

        return session.Generated.ToArray();
    }

    private static int[] Ids(JsonElement element, string name) => [.. element.GetProperty(name).EnumerateArray().Select(i => i.GetInt32())];
}
