namespace Moesaic.Scheduling.Tests;

/// <summary>When blocks run out.</summary>
internal sealed class PreemptionTests
{
    private static SchedulerOptions Tight(int blocks) =>
        Harness.Options(blocks, context: 40, sequences: 4, budget: 64) with { ReserveBlocks = 0, PrefixCaching = false };

    [Test]
    public void The_latest_of_equal_priority_gives_way()
    {
        Harness harness = new(Tight(blocks: 9));
        Request[] requests = [.. Enumerable.Range(0, 3).Select(i => harness.Submit(11, 20, kind: i))];
        harness.RunToEnd();
        Assert.That(requests[0].Sequences[0].NumPreemptions, Is.Zero);
        Assert.That(requests[2].Sequences[0].NumPreemptions, Is.GreaterThan(0));
        Assert.That(requests.Select(static r => r.Sequences[0].NumGenerated), Is.All.EqualTo(20));
    }

    [Test]
    public void A_lower_priority_gives_way_first()
    {
        Harness harness = new(Tight(blocks: 9));
        Request low = harness.Submit(new RequestOptions { Prompt = Harness.Prompt(11), MaxTokens = 20, Priority = 5 });
        Request high = harness.Submit(11, 20, kind: 1);
        Request middle = harness.Submit(new RequestOptions { Prompt = Harness.Prompt(11, 2), MaxTokens = 20, Priority = 1 });
        harness.RunToEnd();
        Assert.That(low.Sequences[0].NumPreemptions, Is.GreaterThan(0));
        Assert.That(high.Sequences[0].NumPreemptions, Is.Zero);
        Assert.That(middle.Sequences[0].NumPreemptions, Is.LessThanOrEqualTo(low.Sequences[0].NumPreemptions));
    }

    [Test]
    public void Who_was_preempted_comes_back_before_anything_new()
    {
        Harness harness = new(Tight(blocks: 8));
        harness.Submit(11, 20);
        Request victim = harness.Submit(11, 20, kind: 1);
        while (harness.Preemptions == 0)
        {
            harness.Tick();
        }

        Request late = harness.Submit(new RequestOptions { Prompt = Harness.Prompt(2), MaxTokens = 2, Priority = -100, Tenant = "new" });
        while (late.Admitted is null)
        {
            harness.Tick();
            Assert.That(late.Admitted is null || victim.Sequences[0].State != SequenceState.Preempted, "a new request overtook one that had begun");
        }

        harness.RunToEnd();
    }

    /// <summary>Coming back needs room to grow into: otherwise the next block that another needs takes everything away again.</summary>
    [Test]
    public void Nobody_comes_back_only_to_be_preempted_again()
    {
        Harness harness = new(Harness.Options(blocks: 24, context: 90, sequences: 4, budget: 64) with { ReserveBlocks = 0, PrefixCaching = false });
        Request[] requests = [.. Enumerable.Range(0, 4).Select(i => harness.Submit(10, 60, kind: i))];
        harness.RunToEnd();
        TestContext.Out.WriteLine($"{harness.Preemptions} preemptions, {harness.Scheduler.Counters.RecomputedTokens} tokens computed again");
        Assert.That(requests.Max(static r => r.Sequences[0].NumPreemptions), Is.LessThanOrEqualTo(3));
    }

    /// <summary>Prompts that would crowd each other out wait instead of beginning all at once.</summary>
    [Test]
    public void A_prompt_begins_only_if_all_of_it_fits_beside_those_that_have_begun()
    {
        Harness harness = new(Harness.Options(blocks: 20, context: 64, budget: 8) with { ReserveBlocks = 0, PrefixCaching = false });
        Request[] requests = [.. Enumerable.Range(0, 3).Select(i => harness.Submit(36, 4, kind: i))];
        harness.Tick();
        harness.Tick();
        Assert.That(requests.Count(static r => r.Admitted is not null), Is.EqualTo(1));
        harness.RunToEnd();
        Assert.That(harness.Preemptions, Is.Zero);
    }

    [Test]
    public void A_large_request_is_not_passed_over_for_ever()
    {
        Harness harness = new(Tight(blocks: 10));
        harness.Submit(4, 30);
        harness.Tick();
        Request large = harness.Submit(30, 8, kind: 1);
        for (int i = 0; i < 200; i++)
        {
            harness.TrySubmit(new RequestOptions { Prompt = Harness.Prompt(4, 2), MaxTokens = 6 }, out _);
            harness.Tick();
        }

        Assert.That(large.NumLive, Is.Zero);
        harness.RunToEnd();
    }
}
