using Moesaic.Scheduling;
using EndReason = Moesaic.Scheduling.FinishReason;

namespace Moesaic.Engine.Tests;

/// <summary>The engine's thread over a fake device.</summary>
internal sealed class EngineLoopTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    private static SchedulerOptions Options => new()
    {
        KvGroups = [new KvGroupOptions { NumBlocks = 400, BlockTokens = 4 }],
        MaxContext = 256,
        MaxSequences = 16,
        MaxTokensPerStep = 32,
    };

    [Test]
    public async Task Sixty_four_streams_get_what_each_gets_alone()
    {
        FakeStepExecutor executor = new();
        using EngineLoop loop = new(Options, executor, TimeProvider.System);
        int[][] results = await Task.WhenAll(Enumerable.Range(0, 64).Select(i => Task.Run(() => ReadAll(loop.Submit(Asked(i, 5 + (i % 30))).Samples[0])))).WaitAsync(Limit);
        for (int i = 0; i < results.Length; i++)
        {
            Assert.That(results[i], Is.EqualTo(FakeStepExecutor.Alone(Prompt(i), 5 + (i % 30))));
        }

        Assert.That(executor.MostInFlight, Is.EqualTo(2), "the next step is enqueued while one runs");
        Assert.That(executor.Collected, Is.LessThan(64 * 20 / 2), "streams share steps");
    }

    [Test]
    public async Task Readers_never_run_on_the_engines_thread()
    {
        FakeStepExecutor executor = new();
        using EngineLoop loop = new(Options, executor, TimeProvider.System);
        ServedRequest request = loop.Submit(Asked(1, 200));
        List<int> threads = [];
        SubmitResult admission = await request.Admission.ConfigureAwait(false);
        threads.Add(Environment.CurrentManagedThreadId);
        while (await request.Samples[0].WaitAsync().ConfigureAwait(false))
        {
            threads.Add(Environment.CurrentManagedThreadId);
            while (request.Samples[0].TryRead(out _))
            {
            }
        }

        Assert.That(admission.IsAccepted);
        Assert.That(threads, Has.None.EqualTo(executor.ThreadId));
    }

    [Test]
    public async Task Cancelling_ends_a_stream_and_no_other()
    {
        using SemaphoreSlim steps = new(0);
        FakeStepExecutor executor = new() { OnCollect = _ => Assert.That(steps.Wait(Limit)) };
        using EngineLoop loop = new(Options, executor, TimeProvider.System);
        ServedRequest cancelled = loop.Submit(Asked(1, 100));
        ServedRequest other = loop.Submit(Asked(2, 30));
        steps.Release(5);
        Assert.That(await cancelled.Samples[0].WaitAsync().AsTask().WaitAsync(Limit));
        cancelled.Cancel();
        steps.Release(1000);
        int[] tokens = await ReadAll(cancelled.Samples[0]).WaitAsync(Limit);
        Assert.That(cancelled.Samples[0].End, Is.EqualTo(EndReason.Cancelled));
        Assert.That(tokens, Is.EqualTo(FakeStepExecutor.Alone(Prompt(1), tokens.Length)).And.Length.LessThan(100));
        Assert.That(await ReadAll(other.Samples[0]).WaitAsync(Limit), Is.EqualTo(FakeStepExecutor.Alone(Prompt(2), 30)));
    }

    [Test]
    public async Task Cancelling_at_once_is_never_lost()
    {
        using EngineLoop loop = new(Options, new FakeStepExecutor(), TimeProvider.System);
        await Parallel.ForEachAsync(Enumerable.Range(0, 400), async (i, _) =>
        {
            ServedRequest request = loop.Submit(Asked(i, null));
            request.Cancel();
            await ReadAll(request.Samples[0]).WaitAsync(Limit, CancellationToken.None);
            Assert.That(request.Samples[0].End, Is.EqualTo(EndReason.Cancelled).Or.EqualTo(EndReason.Length));
        });
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task A_failed_step_costs_its_requests_and_the_loop_goes_on(bool whileEnqueueing)
    {
        int count = 0;
        void Fail(ScheduledStep step)
        {
            if (++count == 4)
            {
                throw new InvalidOperationException("broken");
            }
        }

        FakeStepExecutor executor = whileEnqueueing ? new() { OnEnqueue = Fail } : new() { OnCollect = Fail };
        using EngineLoop loop = new(Options, executor, TimeProvider.System);
        ServedRequest failed = loop.Submit(Asked(1, 50));
        int[] tokens = await ReadAll(failed.Samples[0]).WaitAsync(Limit);
        Assert.That(failed.Samples[0].End, Is.EqualTo(EndReason.Error));
        Assert.That(tokens, Is.EqualTo(FakeStepExecutor.Alone(Prompt(1), 3)));
        Assert.That(await ReadAll(loop.Submit(Asked(2, 9)).Samples[0]).WaitAsync(Limit), Is.EqualTo(FakeStepExecutor.Alone(Prompt(2), 9)));
        Assert.That(loop.Failure, Is.Null);
    }

    [Test]
    public async Task Losing_the_device_ends_everything_and_says_so()
    {
        FakeStepExecutor executor = new();
        using ManualResetEventSlim submitted = new();
        int count = 0;
        executor.OnCollect = _ =>
        {
            // The loss comes when all have been taken: a loop that has ended takes none.
            submitted.Wait(Limit);
            if (++count == 4)
            {
                executor.IsLost = true;
                throw new InvalidOperationException("lost");
            }
        };
        using EngineLoop loop = new(Options, executor, TimeProvider.System);
        ServedRequest[] requests = [.. Enumerable.Range(0, 30).Select(i => loop.Submit(Asked(i, 50)))];
        submitted.Set();
        foreach (ServedRequest request in requests)
        {
            await ReadAll(request.Samples[0]).WaitAsync(Limit);
            Assert.That(request.Samples[0].End, Is.EqualTo(EndReason.Error));
        }

        Assert.That(() => loop.Submit(Asked(1, 5)), Throws.InvalidOperationException.With.InnerException.Message.EqualTo("lost"));
        Assert.That(loop.Failure?.Message, Is.EqualTo("lost"));
    }

    [Test]
    public async Task Refusals_reach_the_caller()
    {
        using EngineLoop loop = new(Options, new FakeStepExecutor(), TimeProvider.System);
        ServedRequest request = loop.Submit(new RequestOptions { Prompt = new int[300] });
        SubmitResult result = await request.Admission.WaitAsync(Limit);
        Assert.That(result.Reason, Is.EqualTo(RejectionReason.PromptTooLong));
        Assert.That(await ReadAll(request.Samples[0]).WaitAsync(Limit), Is.Empty);
    }

    [Test]
    public async Task Ending_the_loop_ends_its_streams()
    {
        FakeStepExecutor executor = new();
        EngineLoop loop = new(Options, executor, TimeProvider.System);
        ServedRequest[] requests = [.. Enumerable.Range(0, 40).Select(i => loop.Submit(Asked(i, null)))];
        Assert.That(await requests[0].Samples[0].WaitAsync().AsTask().WaitAsync(Limit));
        loop.Dispose();
        foreach (ServedRequest request in requests)
        {
            await ReadAll(request.Samples[0]).WaitAsync(Limit);
            Assert.That(request.Samples[0].End, Is.Not.EqualTo(EndReason.None));
        }

        Assert.That(executor.IsDisposed);
        Assert.That(() => loop.Submit(Asked(1, 5)), Throws.InvalidOperationException);
    }

    [Test]
    public async Task Samples_of_a_request_have_streams_of_their_own()
    {
        using EngineLoop loop = new(Options, new FakeStepExecutor(), TimeProvider.System);
        ServedRequest request = loop.Submit(Asked(3, 20) with { NumSamples = 4 });
        foreach (TokenStream sample in request.Samples)
        {
            Assert.That(await ReadAll(sample).WaitAsync(Limit), Is.EqualTo(FakeStepExecutor.Alone(Prompt(3), 20)));
        }
    }

    [Test]
    public void Submissions_from_many_threads_arrive_once_and_in_each_threads_order()
    {
        SubmissionQueue<string> queue = new(8);
        const int Each = 2000;
        Task[] writers = [.. Enumerable.Range(0, 3).Select(w => Task.Run(() =>
        {
            for (int i = 0; i < Each; i++)
            {
                SpinWait wait = default;
                while (!queue.TryAdd($"{w} {i}"))
                {
                    wait.SpinOnce();
                }
            }
        }))];
        int[] next = new int[3];
        SpinWait empty = default;
        while (next.Sum() < 3 * Each)
        {
            if (queue.TryTake(out string? item))
            {
                int writer = item[0] - '0';
                Assert.That(int.Parse(item[2..], System.Globalization.CultureInfo.InvariantCulture), Is.EqualTo(next[writer]++));
            }
            else
            {
                Assert.That(writers.Any(static t => t.IsFaulted), Is.False);
                empty.SpinOnce();
            }
        }

        Assert.That(queue.IsEmpty);
        Assert.That(Task.WaitAll(writers, Limit));
        Assert.That(Enumerable.Range(0, 9).Count(_ => queue.TryAdd("x")), Is.EqualTo(8), "full is told");
    }

    private static int[] Prompt(int kind) => [.. Enumerable.Range(0, 3 + (kind % 40)).Select(i => ((i * 7) + kind) % 1000)];

    private static RequestOptions Asked(int kind, int? maxTokens) => new() { Prompt = Prompt(kind), MaxTokens = maxTokens };

    private static async Task<int[]> ReadAll(TokenStream stream)
    {
        List<int> tokens = [];
        while (await stream.WaitAsync())
        {
            while (stream.TryRead(out int token))
            {
                tokens.Add(token);
            }
        }

        return [.. tokens];
    }
}
