namespace Moesaic.Scheduling.Tests;

/// <summary>What goes into a step, and in which order.</summary>
internal sealed class StepTests
{
    [Test]
    public void Decodes_and_prefill_share_steps()
    {
        Harness harness = new(Harness.Options(blocks: 80, budget: 8));
        harness.Submit(4, 20);
        harness.Tick();
        harness.Submit(30, 4, kind: 1);
        harness.RunToEnd();
        StepRecord[] mixed = [.. harness.Records.Where(static r => r.IsMixed)];
        Assert.That(mixed, Has.Length.GreaterThanOrEqualTo(4));
        Assert.That(mixed[0], Has.Property("Decodes").EqualTo(1).And.Property("PrefillTokens").EqualTo(7), "decodes first, then as much of the prompt as the budget leaves");
        Assert.That(harness.Scheduler.Log.Count, Is.EqualTo(harness.Records.Count));
        Assert.That(harness.Scheduler.Log[harness.Scheduler.Log.Count - 1], Is.EqualTo(harness.Records[^1]));
    }

    [Test]
    public void The_log_keeps_the_latest_steps()
    {
        Harness harness = new(Harness.Options(blocks: 80) with { StepLogCapacity = 3 });
        harness.Submit(4, 9);
        harness.RunToEnd();
        Assert.That(Enumerable.Range(0, 3).Select(i => harness.Scheduler.Log[i]), Is.EqualTo(harness.Records.TakeLast(3)));
        Assert.That(() => harness.Scheduler.Log[3], Throws.InstanceOf<ArgumentOutOfRangeException>());
    }

    [TestCase(null, 16)]
    [TestCase(5, 5)]
    public void Chunks_are_bounded(int? chunk, int expected)
    {
        Harness harness = new(Harness.Options(blocks: 80) with { MaxPrefillChunk = chunk });
        harness.Submit(40, 1);
        harness.RunToEnd();
        Assert.That(harness.Records.Max(static r => r.PrefillTokens), Is.EqualTo(expected));
    }

    [Test]
    public void A_request_for_no_token_computes_its_prompt()
    {
        Harness harness = new(Harness.Options(blocks: 80));
        Request request = harness.Submit(40, 0);
        harness.RunToEnd();
        Assert.That(request.Sequences[0], Has.Property("Finish").EqualTo(FinishReason.Length).And.Property("NumGenerated").Zero);
        Assert.That(harness.Records.Sum(static r => r.PrefillTokens), Is.EqualTo(40));
    }

    [Test]
    public void The_context_may_be_filled_to_the_last_position()
    {
        Harness harness = new(Harness.Options(blocks: 16, context: 64));
        Request request = harness.Submit(new RequestOptions { Prompt = Harness.Prompt(60) });
        harness.RunToEnd();
        Assert.That(request.Sequences[0], Has.Property("Finish").EqualTo(FinishReason.Length).And.Property("NumGenerated").EqualTo(5));
    }

    [Test]
    public void Without_a_limit_generation_ends_where_the_cache_does()
    {
        Harness harness = new(Harness.Options(blocks: 5, context: 64));
        Request request = harness.Submit(new RequestOptions { Prompt = Harness.Prompt(6) });
        harness.RunToEnd();
        Assert.That(request.Sequences[0].NumGenerated, Is.EqualTo(15));
    }

    [Test]
    public void Counters_and_gauges_add_up()
    {
        Harness harness = new(Harness.Options(blocks: 40));
        harness.Submit(9, 4);
        harness.Submit(9, 4, kind: 1);
        Assert.That(harness.Scheduler.NumWaiting, Is.EqualTo(2));
        harness.Tick();
        Assert.That((harness.Scheduler.NumRunning, harness.Scheduler.NumWaiting), Is.EqualTo((2, 0)));
        Assert.That(harness.Scheduler.BlocksOf(0).Used, Is.GreaterThan(0));
        harness.RunToEnd();
        SchedulerCounters counters = harness.Scheduler.Counters;
        Assert.That((counters.RequestsAccepted, counters.PrefillTokens, counters.GeneratedTokens), Is.EqualTo((2L, 18L, 8L)));
        Assert.That(counters.SequencesFinished[(int)FinishReason.Length], Is.EqualTo(2));
        Assert.That(counters.Steps, Is.EqualTo(harness.Records.Count));
    }
}
