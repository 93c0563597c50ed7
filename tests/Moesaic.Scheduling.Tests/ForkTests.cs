namespace Moesaic.Scheduling.Tests;

/// <summary>Several samples of one prompt.</summary>
internal sealed class ForkTests
{
    [Test]
    public void Samples_share_the_prompts_blocks_and_copy_the_last_one_when_they_write()
    {
        Harness harness = new(Harness.Options(blocks: 40), depth: 1);
        Request request = harness.Submit(new RequestOptions { Prompt = Harness.Prompt(10), MaxTokens = 5, NumSamples = 3 });
        harness.Tick();
        Assert.That(harness.Scheduler.BlocksOf(0).Used, Is.EqualTo(3), "10 tokens in blocks of 4, once");
        Assert.That(harness.Scheduler.NumRunning, Is.EqualTo(3));
        Assert.That(request.Sequences.Select(static s => s.NumGenerated), Is.All.EqualTo(1));
        harness.Tick();
        Assert.That(harness.Records[^1].Copies, Is.EqualTo(2), "the last one writes in place");
        Assert.That(harness.Scheduler.BlocksOf(0).Used, Is.EqualTo(5));
        harness.RunToEnd();
        Assert.That(request.Sequences.Select(static s => string.Join(",", s.Generated.ToArray())), Is.Unique);
        Assert.That(harness.Records.Sum(static r => r.PrefillTokens), Is.EqualTo(10), "the prompt is computed once");
    }

    [Test]
    public void A_prompt_of_whole_blocks_needs_no_copy()
    {
        Harness harness = new(Harness.Options(blocks: 40));
        harness.Submit(new RequestOptions { Prompt = Harness.Prompt(8), MaxTokens = 5, NumSamples = 3 });
        harness.RunToEnd();
        Assert.That(harness.Records.Sum(static r => r.Copies), Is.Zero);
    }

    [Test]
    public void Samples_draw_from_one_row()
    {
        Harness harness = new(Harness.Options(blocks: 40));
        Request request = harness.Submit(new RequestOptions { Prompt = Harness.Prompt(5), MaxTokens = 2, NumSamples = 3 });
        ScheduledStep step = harness.Scheduler.Schedule()!;
        Assert.That(step.LogitRows.ToArray(), Is.EqualTo(new[] { 4 }));
        Assert.That(step.SampleSequences.ToArray(), Is.EqualTo(request.Sequences));
        Assert.That(step.SampleLogits.ToArray(), Is.EqualTo(new[] { 0, 0, 0 }));
        Assert.That(step.SamplePositions.ToArray(), Is.EqualTo(new[] { 5, 5, 5 }));
        Assert.That(step.NumSequences, Is.EqualTo(1));
    }

    [Test]
    public void Seats_are_kept_for_samples_while_their_prompt_is_computed()
    {
        Harness harness = new(Harness.Options(blocks: 80, sequences: 4, budget: 8));
        harness.Submit(new RequestOptions { Prompt = Harness.Prompt(30), MaxTokens = 3, NumSamples = 3 });
        Request second = harness.Submit(3, 20, kind: 1);
        Request third = harness.Submit(3, 2, kind: 2);
        while (second.Admitted is null)
        {
            harness.Tick();
        }

        Assert.That(third.Admitted, Is.Null, "four seats are taken or kept");
        harness.RunToEnd();
    }

    [Test]
    public void Cancelling_ends_all_samples_in_any_state()
    {
        for (int ticks = 0; ticks < 6; ticks++)
        {
            Harness harness = new(Harness.Options(blocks: 40, budget: 8));
            Request request = harness.Submit(new RequestOptions { Prompt = Harness.Prompt(20), MaxTokens = 5, NumSamples = 3 });
            for (int i = 0; i < ticks; i++)
            {
                harness.Tick();
            }

            harness.Scheduler.Cancel(request);
            Assert.That(harness.Scheduler.BlocksOf(0).Used, Is.Zero, "blocks are free at once");
            Assert.That(request.Sequences.Select(static s => s.Finish), Is.All.EqualTo(FinishReason.Cancelled));
            harness.RunToEnd();
        }
    }

    [Test]
    public void A_sample_can_end_before_the_others_begin()
    {
        Harness harness = new(Harness.Options(blocks: 40, budget: 8));
        Request request = harness.Submit(new RequestOptions { Prompt = Harness.Prompt(20), MaxTokens = 5, NumSamples = 3 });
        harness.Tick();
        harness.Stop(request.Sequences[1]);
        harness.RunToEnd();
        Assert.That(request.Sequences.Select(static s => s.NumGenerated), Is.EqualTo(new[] { 5, 0, 5 }));
    }
}
