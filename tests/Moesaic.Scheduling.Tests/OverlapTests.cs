namespace Moesaic.Scheduling.Tests;

/// <summary>The next step is made before the draws of the one in flight are known.</summary>
internal sealed class OverlapTests
{
    [Test]
    public void The_next_step_names_the_draws_that_it_waits_for()
    {
        Harness harness = new(Harness.Options(blocks: 40, budget: 64));
        Request a = harness.Submit(3, 5);
        Request b = harness.Submit(4, 5, kind: 1);
        ScheduledStep first = harness.Scheduler.Schedule()!;
        ScheduledStep second = harness.Scheduler.Schedule()!;
        Assert.That(first.NumPlaceholders, Is.Zero);
        Assert.That(second.TokenIds.ToArray(), Is.EqualTo(new[] { -1, -1 }));
        Assert.That(second.Positions.ToArray(), Is.EqualTo(new[] { 3, 4 }));
        Assert.That(second.SourceStep, Is.EqualTo(first.Id));
        Assert.That(second.PlaceholderRows.ToArray(), Is.EqualTo(new[] { 0, 1 }));
        Assert.That(second.PlaceholderSamples.ToArray().Select(i => first.SampleSequences[i]), Is.EqualTo(new[] { a.Sequences[0], b.Sequences[0] }));
        Assert.That(second.Sequences.ToArray(), Is.EqualTo(new[] { a.Sequences[0], b.Sequences[0] }));
    }

    [Test]
    public void No_row_is_wasted_on_an_end_that_is_known_beforehand()
    {
        Harness harness = new(Harness.Options(blocks: 40));
        harness.Submit(3, 4);
        harness.RunToEnd();
        Assert.That(harness.Records.Sum(static r => r.Tokens), Is.EqualTo(3 + 3));
        Assert.That(harness.Scheduler.Counters.DiscardedRows, Is.Zero);
    }

    [Test]
    public void The_row_after_an_unforeseen_end_is_dropped()
    {
        Harness probe = new(Harness.Options(blocks: 40));
        Request alone = probe.Submit(3, 10);
        probe.RunToEnd();
        int stop = alone.Sequences[0].Generated[4];
        int end = alone.Sequences[0].Generated.IndexOf(stop);

        Harness harness = new(Harness.Options(blocks: 40));
        Request request = harness.Submit(new RequestOptions { Prompt = Harness.Prompt(3), MaxTokens = 10, StopIds = [stop] });
        Request other = harness.Submit(5, 12, kind: 1);
        harness.RunToEnd();
        Assert.That(request.Sequences[0].Finish, Is.EqualTo(FinishReason.Stop));
        Assert.That(request.Sequences[0].Generated.ToArray(), Is.EqualTo(alone.Sequences[0].Generated[..(end + 1)].ToArray()));
        Assert.That(harness.Scheduler.Counters.DiscardedRows, Is.EqualTo(1));
        Assert.That(other.Sequences[0].NumGenerated, Is.EqualTo(12));
    }

    [Test]
    public void Two_steps_at_most_are_in_flight_and_they_end_in_order()
    {
        Harness harness = new(Harness.Options(blocks: 40));
        harness.Submit(3, 9);
        ScheduledStep first = harness.Scheduler.Schedule()!;
        ScheduledStep second = harness.Scheduler.Schedule()!;
        Assert.That(() => harness.Scheduler.Schedule(), Throws.InvalidOperationException);
        Assert.That(() => harness.Scheduler.Complete(second, [1]), Throws.InvalidOperationException);
        Assert.That(() => harness.Scheduler.Complete(first, [1, 2]), Throws.ArgumentException);
        harness.Scheduler.Complete(first, [1]);
        Assert.That(() => harness.Scheduler.Complete(first, [1]), Throws.InvalidOperationException);
        Assert.That(harness.Scheduler.NumStepsInFlight, Is.EqualTo(1));
    }

    [Test]
    public void Draws_of_a_preempted_sequence_count()
    {
        Harness harness = new(Harness.Options(blocks: 8, context: 28, sequences: 2, budget: 32) with { ReserveBlocks = 0, PrefixCaching = false });
        Request first = harness.Submit(8, 20);
        Request second = harness.Submit(8, 20, kind: 1);
        while (harness.Preemptions == 0)
        {
            harness.Tick();
        }

        Sequence victim = second.Sequences[0];
        Assert.That(victim.State, Is.EqualTo(SequenceState.Preempted));
        int known = victim.NumTokens;
        harness.RunToEnd();
        Assert.That(first.Sequences[0].NumPreemptions, Is.Zero);
        Assert.That(harness.Scheduler.Counters.GeneratedTokens, Is.EqualTo(40), "no token is drawn twice");
        Assert.That(harness.Records.Sum(static r => r.RecomputedTokens), Is.GreaterThanOrEqualTo(known - 1));
    }

    [Test]
    public void A_failed_step_ends_those_in_it_and_nobody_else()
    {
        Harness harness = new(Harness.Options(blocks: 40, budget: 4, sequences: 4));
        Request first = harness.Submit(4, 9);
        Request second = harness.Submit(4, 9, kind: 1);
        ScheduledStep step = harness.Schedule()!;
        ScheduledStep next = harness.Schedule()!;
        Assert.That(next.Sequences.ToArray(), Is.EqualTo(new[] { first.Sequences[0], second.Sequences[0] }));
        harness.Executor.Fail(step);
        harness.Scheduler.Abort(step);
        Assert.That(first.Sequences[0].Finish, Is.EqualTo(FinishReason.Error));
        harness.Scheduler.Complete(next, harness.Executor.Run(next));
        harness.RunToEnd();
        Assert.That(second.Sequences[0].Finish, Is.EqualTo(FinishReason.Length));
    }

    [Test]
    public void A_failed_draw_ends_its_sequence_alone()
    {
        Harness harness = new(Harness.Options(blocks: 40, budget: 64));
        Request first = harness.Submit(4, 9);
        Request second = harness.Submit(4, 9, kind: 1);
        harness.FailSample = 0;
        harness.RunToEnd();
        Assert.That(first.Sequences[0].Finish, Is.EqualTo(FinishReason.Error));
        Assert.That(second.Sequences[0].Finish, Is.EqualTo(FinishReason.Length));
    }
}
