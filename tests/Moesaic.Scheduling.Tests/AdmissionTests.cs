namespace Moesaic.Scheduling.Tests;

/// <summary>What is taken, what is not, and when to try again.</summary>
internal sealed class AdmissionTests
{
    [Test]
    public void Refusals_say_why()
    {
        SchedulerOptions options = Harness.Options(blocks: 10, context: 64) with { MaxWaiting = 3, MaxWaitingPerTenant = 2, MaxWaitingTokens = 40 };
        Harness harness = new(options);
        RequestOptions asked = new() { Prompt = Harness.Prompt(10), MaxTokens = 5 };
        Check(asked with { Prompt = Harness.Prompt(65) }, RejectionReason.PromptTooLong, 65, 64);
        Check(asked with { MaxTokens = 32 }, RejectionReason.CacheTooSmall, 41, 40);
        Check(asked with { Prompt = Harness.Prompt(41), MaxTokens = null }, RejectionReason.CacheTooSmall, 41, 40);
        Check(asked with { NumSamples = 5 }, RejectionReason.TooManySamples, 5, 4);
        Check(asked with { WantsPromptLogits = true }, RejectionReason.PromptLogitsUnavailable, 10, 0);
        Check(asked with { Timeout = TimeSpan.Zero }, RejectionReason.DeadlinePassed, 0, 0);
        Check(asked with { QueueTimeout = TimeSpan.FromSeconds(-1) }, RejectionReason.DeadlinePassed, 0, 0);
        harness.Submit(asked with { MaxTokens = 31 });
        harness.Submit(asked);
        Check(asked, RejectionReason.TenantQueueFull, 2, 2);
        Check(asked with { Tenant = "b", Prompt = Harness.Prompt(21) }, RejectionReason.QueuedTokensFull, 41, 40);
        harness.Submit(asked with { Tenant = "b" });
        Check(asked with { Tenant = "c" }, RejectionReason.QueueFull, 3, 3);
        Assert.That(harness.Scheduler.Counters.RequestsRejected, Is.EqualTo(10));
        harness.RunToEnd();

        void Check(RequestOptions refused, RejectionReason reason, long actual, long limit)
        {
            SubmitResult result = harness.TrySubmit(refused, out Request request);
            Assert.That((result.Reason, result.Actual, result.Limit), Is.EqualTo((reason, actual, limit)));
            Assert.That(result.Message, Is.Not.Empty.And.Not.EqualTo(default(SubmitResult).Message));
            Assert.That(request.Sequences[0].State, Is.EqualTo(SequenceState.Created));
            Assert.That(() => harness.Scheduler.Cancel(request), Throws.Nothing);
        }
    }

    [Test]
    public void What_just_fits_is_taken()
    {
        Harness harness = new(Harness.Options(blocks: 10, context: 64));
        Request request = harness.Submit(new RequestOptions { Prompt = Harness.Prompt(10), MaxTokens = 31 });
        harness.RunToEnd();
        Assert.That(request.Sequences[0].NumGenerated, Is.EqualTo(31));
    }

    [Test]
    public void Nonsense_is_an_error_and_not_a_refusal()
    {
        Scheduler scheduler = new(Harness.Options(blocks: 10), new ManualClock());
        RequestOptions asked = new() { Prompt = Harness.Prompt(10), MaxTokens = 5 };
        Assert.That(() => scheduler.Prepare(asked with { Prompt = default }), Throws.ArgumentException);
        Assert.That(() => scheduler.Prepare(asked with { MaxTokens = -1 }), Throws.ArgumentException);
        Assert.That(() => scheduler.Prepare(asked with { NumSamples = 0 }), Throws.ArgumentException);
        Assert.That(() => scheduler.Prepare(asked with { NumSamples = 2, MaxTokens = 0 }), Throws.ArgumentException);
        Request request = scheduler.Prepare(asked);
        Assert.That(scheduler.Submit(request).IsAccepted);
        Assert.That(() => scheduler.Submit(request), Throws.InvalidOperationException);
        Assert.That(() => scheduler.Cancel(request, FinishReason.None), Throws.ArgumentException);
    }

    [Test]
    public void Impossible_bounds_are_named()
    {
        SchedulerOptions good = Harness.Options(blocks: 10);
        Refuse(good with { KvGroups = [] }, "cache groups");
        Refuse(good with { KvGroups = [new KvGroupOptions { NumBlocks = 0 }] }, "0 blocks");
        Refuse(good with { MaxTokensPerStep = 3 }, "MaxTokensPerStep is 3");
        Refuse(good with { MaxLogitRows = 3 }, "MaxLogitRows is 3");
        Refuse(good with { MaxSequences = 0 }, "MaxSequences is 0");
        Refuse(good with { MaxContext = 0 }, "MaxContext is 0");
        Refuse(good with { HashKey = new byte[15] }, "HashKey is 15");

        static void Refuse(SchedulerOptions options, string text) =>
            Assert.That(() => new Scheduler(options, new ManualClock()), Throws.ArgumentException.With.Message.Contains(text));
    }

    /// <summary>With a request leaving the queue every 2 s, ten waiting ones take 20 s.</summary>
    [Test]
    public void Retry_after_is_the_time_that_the_queue_takes()
    {
        Harness harness = new(Harness.Options(blocks: 40, sequences: 1) with { MaxWaiting = 10 }, depth: 1);
        RequestOptions asked = new() { Prompt = Harness.Prompt(2), MaxTokens = 1 };
        Assert.That(Fill().RetryAfter, Is.EqualTo(TimeSpan.FromSeconds(1)), "nothing is known yet");
        for (int i = 0; i < 30; i++)
        {
            harness.Clock.Advance(TimeSpan.FromSeconds(2));
            harness.Tick();
            Fill();
        }

        SubmitResult full = Fill();
        Assert.That(full.Reason, Is.EqualTo(RejectionReason.QueueFull));
        Assert.That(full.RetryAfter.TotalSeconds, Is.InRange(19, 21));
        harness.Clock.Advance(TimeSpan.FromHours(1));
        Assert.That(Fill().RetryAfter, Is.EqualTo(TimeSpan.FromSeconds(60)), "the queue stands still");
        harness.RunToEnd();

        SubmitResult Fill()
        {
            SubmitResult result;
            do
            {
                result = harness.TrySubmit(asked, out _);
            }
            while (result.IsAccepted);
            return result;
        }
    }
}
