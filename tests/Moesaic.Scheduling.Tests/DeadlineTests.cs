namespace Moesaic.Scheduling.Tests;

internal sealed class DeadlineTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    [Test]
    public void A_running_request_ends_at_its_deadline_and_its_blocks_are_free()
    {
        Harness harness = new(Harness.Options(blocks: 40));
        Request request = harness.Submit(new RequestOptions { Prompt = Harness.Prompt(5), MaxTokens = 50, Timeout = Second });
        for (int i = 0; i < 5; i++)
        {
            harness.Tick();
        }

        harness.Clock.Advance(Second - TimeSpan.FromTicks(1));
        harness.Tick();
        Assert.That(request.NumLive, Is.EqualTo(1));
        harness.Clock.Advance(TimeSpan.FromTicks(1));
        harness.Tick();
        Assert.That(request.Sequences[0].Finish, Is.EqualTo(FinishReason.DeadlineExceeded));
        Assert.That(request.Sequences[0].NumGenerated, Is.GreaterThan(3), "what was generated stays readable");
        Assert.That(harness.Scheduler.BlocksOf(0).Used, Is.Zero);
        harness.RunToEnd();
    }

    [Test]
    public void A_waiting_request_ends_at_whichever_deadline_is_first()
    {
        Harness harness = new(Harness.Options(blocks: 40, sequences: 1));
        harness.Submit(5, 50);
        harness.Tick();
        RequestOptions asked = new() { Prompt = Harness.Prompt(5), MaxTokens = 5 };
        Request both = harness.Submit(asked with { Timeout = 3 * Second, QueueTimeout = Second });
        Request whole = harness.Submit(asked with { Timeout = 2 * Second });
        Request none = harness.Submit(asked);
        harness.Clock.Advance(Second);
        harness.Tick();
        Assert.That((both.NumLive, whole.NumLive), Is.EqualTo((0, 1)));
        harness.Clock.Advance(Second);
        harness.Tick();
        Assert.That((whole.NumLive, none.NumLive), Is.EqualTo((0, 1)));
        Assert.That(harness.Scheduler.NumWaiting, Is.EqualTo(1));
        harness.RunToEnd();
        Assert.That(none.Sequences[0].Finish, Is.EqualTo(FinishReason.Length));
    }

    [Test]
    public void Once_admitted_only_the_whole_time_counts()
    {
        Harness harness = new(Harness.Options(blocks: 40));
        Request request = harness.Submit(new RequestOptions { Prompt = Harness.Prompt(5), MaxTokens = 20, QueueTimeout = Second, Timeout = 9 * Second });
        harness.Tick();
        harness.Clock.Advance(5 * Second);
        harness.RunToEnd();
        Assert.That(request.Sequences[0].Finish, Is.EqualTo(FinishReason.Length));
    }

    [Test]
    public void Time_counts_from_preparation_not_from_when_the_loop_takes_the_request()
    {
        Harness harness = new(Harness.Options(blocks: 40));
        RequestOptions asked = new() { Prompt = Harness.Prompt(5), MaxTokens = 20 };
        Request late = harness.Scheduler.Prepare(asked with { Timeout = Second });
        Request queued = harness.Scheduler.Prepare(asked with { QueueTimeout = Second });
        Request running = harness.Scheduler.Prepare(asked with { Timeout = 3 * Second });
        harness.Clock.Advance(Second);
        Assert.That(harness.Scheduler.Submit(late).Reason, Is.EqualTo(RejectionReason.DeadlinePassed));
        Assert.That(harness.Scheduler.Submit(queued).Reason, Is.EqualTo(RejectionReason.DeadlinePassed));
        Assert.That(harness.Scheduler.Submit(running).IsAccepted);
        ScheduledStep step = harness.Scheduler.Schedule()!;
        harness.Scheduler.Complete(step, new int[step.NumSamples]);
        harness.Clock.Advance((2 * Second) - TimeSpan.FromTicks(1));
        step = harness.Scheduler.Schedule()!;
        Assert.That(running.NumLive, Is.EqualTo(1));
        harness.Scheduler.Complete(step, new int[step.NumSamples]);
        harness.Clock.Advance(TimeSpan.FromTicks(1));
        Assert.That(harness.Scheduler.Schedule(), Is.Null);
        Assert.That(running.Sequences[0].Finish, Is.EqualTo(FinishReason.DeadlineExceeded));
    }
}
