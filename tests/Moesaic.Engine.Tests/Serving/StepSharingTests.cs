using Moesaic.Models.Decoder;
using Moesaic.Scheduling;

namespace Moesaic.Engine.Tests;

/// <summary>What steps hold and cost.</summary>
[NonParallelizable]
internal sealed class StepSharingTests
{
    private ModelRuntime _runtime = null!;

    [OneTimeSetUp]
    public void Load() => _runtime = ServingTestModel.Embedded(maxContext: 1024);

    [OneTimeTearDown]
    public void Unload() => _runtime.Dispose();

    [Test]
    public async Task New_tokens_and_parts_of_prompts_share_steps()
    {
        using InferenceEngine engine = new(_runtime, new ServingOptions { MaxSequences = 8, MaxTokensPerStep = 32 });
        Generation decoding = engine.Submit(ServingTestModel.Asked(1, 150));
        await using IAsyncEnumerator<GenerationEvent> reader = decoding.Samples[0].GetAsyncEnumerator();
        Assert.That(await reader.MoveNextAsync().AsTask().WaitAsync(ServingTestModel.Limit));
        await engine.AnswerAsync(ServingTestModel.Asked(2, 2, length: 200));
        int mixed = Enumerable.Range(0, engine.Log.Count).Count(i => engine.Log[i].IsMixed);
        Assert.That(mixed, Is.GreaterThanOrEqualTo(200 / 32), "each part of the long prompt shares its step with the stream that decodes");
    }

    /// <summary>The loop's thread: scheduling, collecting, publishing to eight streams with log-probabilities and alternatives.</summary>
    [Test]
    public void Publishing_allocates_nothing()
    {
        // Buffers of tokens with alternatives double at powers of two, which is not between these steps.
        const int From = 300;
        const int To = 480;
        long allocated = -1;
        long before = 0;
        using ManualResetEventSlim done = new();
        using InferenceEngine engine = new(_runtime, new ServingOptions { MaxSequences = 8 }, inner => new GatedExecutor(inner)
        {
            OnCollect = number =>
            {
                if (number == From)
                {
                    before = GC.GetAllocatedBytesForCurrentThread();
                }
                else if (number == To)
                {
                    allocated = GC.GetAllocatedBytesForCurrentThread() - before;
                    done.Set();
                }
            },
        });
        Generation[] generations = [.. Enumerable.Range(0, 8).Select(i => engine.Submit(ServingTestModel.Asked(i, 900)))];
        Assert.That(done.Wait(ServingTestModel.Limit));
        Assert.That(engine.Statistics().Running, Is.EqualTo(8));
        Assert.That(allocated, Is.Zero);
        foreach (Generation generation in generations)
        {
            generation.Cancel();
        }
    }

    /// <summary>The executor's thread, here the test's own: eight sequences with penalties, filters and alternatives.</summary>
    [Test]
    public void Running_steps_allocates_nothing()
    {
        ExecutorOptions bounds = _runtime.ExecutorOptions() with { MaxTokens = 256, MaxSequences = 8, MaxLogitRows = 8 };
        Scheduler scheduler = new(
            new SchedulerOptions
            {
                KvGroups = [new KvGroupOptions { NumBlocks = 8 * 16, BlockTokens = bounds.PageTokens }],
                MaxContext = 1024,
                MaxSequences = 8,
                MaxTokensPerStep = 256,
            },
            TimeProvider.System);
        using StepRunner runner = new(_runtime.Decoder, bounds, _runtime.VocabularySize);
        for (int i = 0; i < 8; i++)
        {
            GenerationRequest asked = ServingTestModel.Asked(i, 900);
            Request request = scheduler.Prepare(new RequestOptions { Prompt = asked.Prompt, MaxTokens = 900 });
            _ = new ServedRequest(
                null!, request, 0, s => new DrawState(asked.Sampling, 1, 0, asked.Prompt.Span, _runtime.EndIds, _runtime.VocabularySize, 1024), null);
            Assert.That(scheduler.Submit(request).IsAccepted);
        }

        StepResults[] results = [new(8), new(8)];
        Run(30);
        long before = GC.GetAllocatedBytesForCurrentThread();
        Run(100);
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.Zero);
        Assert.That(scheduler.NumRunning, Is.EqualTo(8));
        Assert.That(scheduler.Counters.GeneratedTokens, Is.GreaterThan(8 * 100));

        void Run(int steps)
        {
            for (int i = 0; i < steps; i++)
            {
                ScheduledStep step = scheduler.Schedule()!;
                runner.Run(step, results[1], results[0]);
                scheduler.Complete(step, results[0].Ids);
                (results[0], results[1]) = (results[1], results[0]);
            }
        }
    }
}
