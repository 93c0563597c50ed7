using Moesaic.Scheduling;

namespace Moesaic.Engine.Tests;

/// <summary>Cancelling, deadlines, draining, failures and the end of an engine.</summary>
internal sealed class EngineLifeTests
{
    private ModelRuntime _runtime = null!;

    [OneTimeSetUp]
    public void Load() => _runtime = ServingTestModel.Embedded();

    [OneTimeTearDown]
    public void Unload() => _runtime.Dispose();

    [Test]
    public async Task Cancelling_frees_the_blocks_within_one_step([Values] bool byLeaving)
    {
        using SemaphoreSlim steps = new(6);
        GatedExecutor gate = null!;
        using InferenceEngine engine = new(_runtime, new ServingOptions(), inner => gate = new GatedExecutor(inner)
        {
            OnCollect = _ => Assert.That(steps.Wait(ServingTestModel.Limit)),
        });
        GenerationSample sample = engine.Submit(ServingTestModel.Asked(1, 200)).Samples[0];
        await using (IAsyncEnumerator<GenerationEvent> reader = sample.GetAsyncEnumerator())
        {
            Assert.That(await reader.MoveNextAsync().AsTask().WaitAsync(ServingTestModel.Limit));

            // Held: the seventh step; cancelled while it runs.
            Assert.That(SpinWait.SpinUntil(() => gate.NumCollecting == 7, ServingTestModel.Limit));
            Assert.That(engine.Statistics().BlocksUsed, Is.GreaterThan(0));
            if (!byLeaving)
            {
                sample.Cancel();
                steps.Release(1);
                Assert.That(SpinWait.SpinUntil(() => engine.Statistics().BlocksUsed == 0, ServingTestModel.Limit));
            }
        }

        if (byLeaving)
        {
            steps.Release(1);
            Assert.That(SpinWait.SpinUntil(() => engine.Statistics().BlocksUsed == 0, ServingTestModel.Limit));
        }

        Assert.That(gate.NumCollecting, Is.LessThanOrEqualTo(8), "no step after the one that was running and the one made meanwhile");
        steps.Release(1000);
        Assert.That(engine.CheckIntegrity(), Is.Null);
    }

    [Test]
    public async Task A_cancelled_token_ends_the_stream()
    {
        using InferenceEngine engine = new(_runtime);
        using CancellationTokenSource source = new();
        GenerationSample sample = engine.Submit(ServingTestModel.Asked(1, 200)).Samples[0];
        int count = 0;
        await foreach (GenerationEvent step in sample.WithCancellation(source.Token))
        {
            if (++count == 3)
            {
                await source.CancelAsync();
            }
        }

        Assert.That(sample.Finish, Is.EqualTo(FinishReason.Cancelled));
        Assert.That(() => sample.GetAsyncEnumerator().MoveNextAsync().AsTask(), Throws.InvalidOperationException);
    }

    [Test]
    public async Task Deadlines_end_what_runs_and_what_waits()
    {
        ManualClock clock = new();
        using SemaphoreSlim steps = new(5);
        GatedExecutor gate = null!;
        using InferenceEngine engine = new(_runtime, new ServingOptions { MaxSequences = 1, Clock = clock }, inner => gate = new GatedExecutor(inner)
        {
            OnCollect = _ => Assert.That(steps.Wait(ServingTestModel.Limit)),
        });
        Generation running = engine.Submit(ServingTestModel.Asked(1, 200) with { Timeout = TimeSpan.FromSeconds(10) });
        Task<Answer> first = ServingTestModel.ReadAsync(running.Samples[0]);
        Assert.That(SpinWait.SpinUntil(() => gate.NumCollecting == 6, ServingTestModel.Limit));
        Generation waiting = engine.Submit(ServingTestModel.Asked(2, 5) with { QueueTimeout = TimeSpan.FromSeconds(3) });
        Generation patient = engine.Submit(ServingTestModel.Asked(3, 5));
        steps.Release(1);
        Assert.That((await patient.Admission.WaitAsync(ServingTestModel.Limit)).IsAccepted, "time in the queue counts from here");
        clock.Advance(TimeSpan.FromSeconds(11));
        steps.Release(1000);
        Answer late = await ServingTestModel.ReadAsync(waiting.Samples[0]);
        Assert.That(late.Ids, Is.Empty);
        Assert.That(late.Finish, Is.EqualTo(FinishReason.TimedOut));
        Answer cut = await first;
        Assert.That(cut.Finish, Is.EqualTo(FinishReason.TimedOut));
        Assert.That(cut.Ids, Has.Length.InRange(1, 10));
        Assert.That((await ServingTestModel.ReadAsync(patient.Samples[0])).Ids, Has.Length.EqualTo(5));
        Assert.That(patient.TimeInQueue, Is.EqualTo(TimeSpan.FromSeconds(11)));
    }

    [Test]
    public async Task Draining_finishes_what_runs_and_takes_nothing_new()
    {
        using InferenceEngine engine = new(_runtime);
        Task<Answer>[] running = [.. Enumerable.Range(0, 10).Select(i => engine.AnswerAsync(ServingTestModel.Asked(i, 30)))];
        Task drained = engine.DrainAsync(Timeout.InfiniteTimeSpan);
        Generation refused = engine.Submit(ServingTestModel.Asked(20));
        SubmitResult admission = await refused.Admission.WaitAsync(ServingTestModel.Limit);
        Assert.That(admission.Reason, Is.EqualTo(RejectionReason.Draining));
        Assert.That((await ServingTestModel.ReadAsync(refused.Samples[0])).Finish, Is.EqualTo(FinishReason.Failed));
        await drained.WaitAsync(ServingTestModel.Limit);
        Assert.That((await Task.WhenAll(running)).Select(a => a.Finish), Is.All.EqualTo(FinishReason.Length));
        Assert.That(engine.Statistics().RequestsRejected, Is.EqualTo(1));
        Assert.That(engine.CheckIntegrity(), Is.Null);
    }

    [Test]
    public async Task What_does_not_end_within_the_limit_of_a_drain_is_cancelled()
    {
        using InferenceEngine engine = new(_runtime, new ServingOptions { MaxSequences = 2 });
        Task<Answer>[] running = [.. Enumerable.Range(0, 6).Select(i => engine.AnswerAsync(ServingTestModel.Asked(i, 200)))];
        await engine.DrainAsync(TimeSpan.Zero).WaitAsync(ServingTestModel.Limit);
        Assert.That((await Task.WhenAll(running)).Select(a => a.Finish), Has.Some.EqualTo(FinishReason.Cancelled));
        Assert.That(engine.Statistics().BlocksUsed, Is.Zero);
        Assert.That(engine.CheckIntegrity(), Is.Null);
    }

    [Test]
    public async Task A_failed_step_costs_its_requests_and_says_why()
    {
        using InferenceEngine engine = new(_runtime, new ServingOptions(), inner => new GatedExecutor(inner)
        {
            OnCollect = static number =>
            {
                if (number == 4)
                {
                    throw new InvalidOperationException("broken");
                }
            },
        });
        GenerationSample sample = engine.Submit(ServingTestModel.Asked(1, 50)).Samples[0];
        Answer failed = await ServingTestModel.ReadAsync(sample);
        Assert.That(failed.Finish, Is.EqualTo(FinishReason.Failed));
        Assert.That(failed.Ids, Has.Length.EqualTo(3));
        Assert.That(sample.Error!.Message, Is.EqualTo("broken"));
        Assert.That((await engine.AnswerAsync(ServingTestModel.Asked(2, 9))).Ids, Has.Length.EqualTo(9));
        Assert.That(engine.Failure, Is.Null);
        Assert.That(engine.CheckIntegrity(), Is.Null);
    }

    [Test]
    public async Task The_loss_of_the_device_is_told_to_all()
    {
        GatedExecutor gate = null!;
        using ManualResetEventSlim submitted = new();
        using InferenceEngine engine = new(_runtime, new ServingOptions(), inner => gate = new GatedExecutor(inner));
        gate.OnCollect = number =>
        {
            submitted.Wait(ServingTestModel.Limit);
            if (number == 5)
            {
                gate.IsLost = true;
                throw new InvalidOperationException("lost");
            }
        };
        Generation[] generations = [.. Enumerable.Range(0, 80).Select(i => engine.Submit(ServingTestModel.Asked(i, 60) with { PromptLogprobs = 0 }))];
        submitted.Set();
        foreach (Generation generation in generations)
        {
            Assert.That((await ServingTestModel.ReadAsync(generation.Samples[0])).Finish, Is.EqualTo(FinishReason.Failed));
            Assert.That(generation.Samples[0].Error!.Message, Is.EqualTo("lost"));
            Assert.That(SpinWait.SpinUntil(() => generation.PromptLogprobs!.IsCompleted, ServingTestModel.Limit), "nobody waits for ever");
        }

        Assert.That(engine.Failure!.Message, Is.EqualTo("lost"));
        Assert.That(() => engine.Submit(ServingTestModel.Asked(1)), Throws.InvalidOperationException);
        Assert.That(engine.CheckIntegrity(), Is.Not.Null);
    }

    [Test]
    public async Task Disposing_of_a_running_engine_ends_its_streams()
    {
        InferenceEngine engine = new(_runtime, new ServingOptions { MaxSequences = 4 });
        Generation[] generations = [.. Enumerable.Range(0, 20).Select(i => engine.Submit(ServingTestModel.Asked(i, 200)))];
        Task<Answer>[] answers = [.. generations.Select(g => ServingTestModel.ReadAsync(g.Samples[0]))];
        Assert.That(SpinWait.SpinUntil(() => generations[0].TimeToFirstToken is not null, ServingTestModel.Limit));
        engine.Dispose();
        Assert.That((await Task.WhenAll(answers)).Select(a => a.Finish), Is.All.AnyOf(FinishReason.Cancelled, FinishReason.Failed));
        Assert.That(() => engine.Submit(ServingTestModel.Asked(1)), Throws.InvalidOperationException);
        await engine.DrainAsync(TimeSpan.FromSeconds(1)).WaitAsync(ServingTestModel.Limit);
        engine.Dispose();
    }

    [Test]
    public async Task Random_cancels_leave_no_block_in_use()
    {
        using InferenceEngine engine = new(_runtime, new ServingOptions { MaxSequences = 12, BlockTokens = 16, MaxTokensPerStep = 40 });
        Answer canary = await engine.AnswerAsync(ServingTestModel.Asked(7, 100));
        Task<Answer> again = engine.AnswerAsync(ServingTestModel.Asked(7, 100));
        Random random = new(1);
        await Task.WhenAll(Enumerable.Range(0, 120).Select(async i =>
        {
            int after = random.Next(12);
            Generation generation = engine.Submit(ServingTestModel.Asked(i % 20, 10) with { NumSamples = 1 + (i % 3) });
            if (after == 11)
            {
                generation.Cancel();
            }

            foreach (GenerationSample sample in generation.Samples)
            {
                int count = 0;
                await foreach (GenerationEvent step in sample)
                {
                    if (++count > after)
                    {
                        break;
                    }
                }
            }
        })).WaitAsync(ServingTestModel.Limit);
        (await again).AssertIs(canary, "the canary");
        await engine.DrainAsync(Timeout.InfiniteTimeSpan).WaitAsync(ServingTestModel.Limit);
        EngineStatistics statistics = engine.Statistics();
        Assert.That(statistics.BlocksUsed, Is.Zero);
        Assert.That(statistics.BlocksFree + statistics.BlocksCached, Is.EqualTo(statistics.BlocksTotal));
        Assert.That(engine.CheckIntegrity(), Is.Null);
    }
}
