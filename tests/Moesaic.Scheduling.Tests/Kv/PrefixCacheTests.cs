namespace Moesaic.Scheduling.Tests;

internal sealed class PrefixCacheTests
{
    [TestCase(12, 8, Description = "the last token is computed in any case")]
    [TestCase(13, 12)]
    [TestCase(15, 12)]
    [TestCase(4, 0)]
    [TestCase(3, 0)]
    public void Whole_blocks_are_reused_and_at_least_one_token_is_computed(int length, int cached)
    {
        Harness harness = new(Harness.Options(blocks: 40));
        harness.Submit(length, 1);
        harness.RunToEnd();
        Request again = harness.Submit(length, 1);
        harness.RunToEnd();
        Assert.That(again.CachedTokens, Is.EqualTo(cached));
        Assert.That(harness.Scheduler.Counters.PrefixCacheHits, Is.EqualTo(cached));
        Assert.That(harness.Scheduler.Counters.PrefixCacheQueries, Is.EqualTo(2 * length));
    }

    [Test]
    public void Generated_tokens_are_reused_by_the_next_turn()
    {
        Harness harness = new(Harness.Options(blocks: 40));
        Request first = harness.Submit(6, 8);
        harness.RunToEnd();
        int[] turn = [.. first.Prompt.Span, .. first.Sequences[0].Generated, 7, 8];
        Request second = harness.Submit(new RequestOptions { Prompt = turn, MaxTokens = 1 });
        harness.RunToEnd();

        // Of 14 tokens 13 have been computed: the last one drawn never was.
        Assert.That(second.CachedTokens, Is.EqualTo(12));
    }

    [TestCase("b", "", 0)]
    [TestCase("a", "salt", 0)]
    [TestCase("a", "", 8)]
    public void Tenants_and_salts_share_nothing(string tenant, string salt, int cached)
    {
        Harness harness = new(Harness.Options(blocks: 40));
        harness.Submit(9, 1, tenant: "a");
        harness.RunToEnd();
        Request other = harness.Submit(new RequestOptions { Prompt = Harness.Prompt(9), MaxTokens = 1, Tenant = tenant, CacheSalt = salt });
        harness.RunToEnd();
        Assert.That(other.CachedTokens, Is.EqualTo(cached));
    }

    [Test]
    public void Nothing_is_found_before_its_step_is_complete()
    {
        Harness harness = new(Harness.Options(blocks: 40, budget: 64));
        harness.Submit(9, 3);
        ScheduledStep? step = harness.Scheduler.Schedule();
        Request other = harness.Submit(9, 3);
        harness.Scheduler.Schedule();
        Assert.That(other.Admitted, Is.Not.Null);
        Assert.That(other.CachedTokens, Is.Zero);
        harness.Scheduler.Abort(step!);
        Request third = harness.Submit(9, 3);
        harness.Scheduler.Schedule();
        Assert.That(third.CachedTokens, Is.Zero, "nothing of a failed step is found");
    }

    [Test]
    public void Sharing_a_prefix_takes_its_blocks_once()
    {
        Harness harness = new(Harness.Options(blocks: 40));
        harness.Submit(13, 8);
        for (int i = 0; i < 3; i++)
        {
            harness.Tick();
        }

        int alone = harness.Scheduler.BlocksOf(0).Used;
        harness.Submit(13, 8);
        harness.Tick();
        Assert.That(harness.Scheduler.BlocksOf(0).Used, Is.LessThanOrEqualTo(alone + 2));
        harness.RunToEnd();
    }

    [Test]
    public void The_end_of_a_prefix_is_evicted_before_its_beginning()
    {
        Harness harness = new(Harness.Options(blocks: 8, context: 32) with { ReserveBlocks = 0 });
        harness.Submit(17, 1);
        harness.RunToEnd();
        harness.Submit(24, 1, kind: 1);
        harness.RunToEnd();
        Request again = harness.Submit(17, 1);
        harness.RunToEnd();
        Assert.That(again.CachedTokens, Is.EqualTo(8), "two of four blocks had to go");
    }

    /// <summary>A window needs only what the next token sees; what lies before it may be gone.</summary>
    [Test]
    public void Windowed_groups_need_only_their_window()
    {
        SchedulerOptions options = Harness.Options(blocks: 1) with
        {
            KvGroups = [new KvGroupOptions { NumBlocks = 64, BlockTokens = 4 }, new KvGroupOptions { NumBlocks = 8, BlockTokens = 4, Window = 8 }],
            MaxContext = 64,
        };
        Harness harness = new(options);
        Request first = harness.Submit(41, 1);
        harness.RunToEnd();
        Assert.That(first.Sequences[0].Finish, Is.EqualTo(FinishReason.Length), "a window holds a sequence longer than all its blocks");
        Request again = harness.Submit(41, 1);
        harness.RunToEnd();
        Assert.That(again.CachedTokens, Is.EqualTo(40));
        int[] shorter = [.. first.Prompt.Span[..9], 1, 2];
        Request early = harness.Submit(new RequestOptions { Prompt = shorter, MaxTokens = 1 });
        harness.RunToEnd();
        Assert.That(early.CachedTokens, Is.Zero, "the window of an early position was evicted");
    }

    /// <summary>Five windowed layers to a global one: a long sequence holds all of its positions once and its window once.</summary>
    [Test]
    public void Long_sequence_holds_its_window_and_no_more()
    {
        SchedulerOptions options = Harness.Options(blocks: 1, budget: 16) with
        {
            KvGroups = [new KvGroupOptions { NumBlocks = 20, BlockTokens = 4, Window = 10 }, new KvGroupOptions { NumBlocks = 200, BlockTokens = 4 }],
            MaxContext = 600,
        };
        Harness harness = new(options);
        Request request = harness.Submit(300, 200);
        int mostWindowed = 0, mostGlobal = 0;
        while (harness.Tick())
        {
            bool decodes = request.Sequences[0].NumGenerated > 2;
            mostWindowed = Math.Max(mostWindowed, decodes ? harness.Scheduler.BlocksOf(0).Used : 0);
            mostGlobal = Math.Max(mostGlobal, harness.Scheduler.BlocksOf(1).Used);
        }

        Assert.That(request.Sequences[0].NumGenerated, Is.EqualTo(200));
        Assert.That(mostGlobal, Is.EqualTo(125));
        Assert.That(mostWindowed, Is.LessThanOrEqualTo(4), "10 positions touch 4 blocks of 4, with the token in flight");
        Request again = harness.Submit(new RequestOptions { Prompt = request.Prompt, MaxTokens = 1 });
        harness.RunToEnd();
        Assert.That(again.CachedTokens, Is.Zero.Or.EqualTo(296), "either the end of the prompt's window is still cached or nothing of it");
    }

    [Test]
    public void Groups_of_different_block_sizes_meet_at_a_common_multiple()
    {
        SchedulerOptions options = Harness.Options(blocks: 1) with
        {
            KvGroups = [new KvGroupOptions { NumBlocks = 64, BlockTokens = 4 }, new KvGroupOptions { NumBlocks = 64, BlockTokens = 6 }],
        };
        Harness harness = new(options);
        harness.Submit(40, 1);
        harness.RunToEnd();
        Request again = harness.Submit(40, 1);
        harness.RunToEnd();
        Assert.That(again.CachedTokens, Is.EqualTo(36));
    }

    [Test]
    public void Switched_off_or_forgotten_it_finds_nothing()
    {
        Harness off = new(Harness.Options(blocks: 40) with { PrefixCaching = false });
        Harness forgotten = new(Harness.Options(blocks: 40));
        foreach (Harness harness in new[] { off, forgotten })
        {
            harness.Submit(9, 1);
            harness.RunToEnd();
            harness.Scheduler.ForgetCache();
            Assert.That(harness.Scheduler.BlocksOf(0).Free, Is.EqualTo(40));
            Request again = harness.Submit(9, 1);
            harness.RunToEnd();
            Assert.That(again.CachedTokens, Is.Zero);
        }
    }

    [Test]
    public void Prompt_logits_are_computed_and_not_taken_from_the_cache()
    {
        Harness harness = new(Harness.Options(blocks: 40) with { MaxLogitRows = 9 });
        harness.Submit(12, 1);
        harness.RunToEnd();
        harness.Records.Clear();
        Request again = harness.Submit(new RequestOptions { Prompt = Harness.Prompt(12), MaxTokens = 2, WantsPromptLogits = true });
        int rows = 0;
        while (harness.Scheduler.Schedule() is { } step)
        {
            rows += step.NumLogitRows;
            int[] sampled = harness.Executor.Run(step);
            harness.Scheduler.Complete(step, sampled);
        }

        Assert.That(again.CachedTokens, Is.Zero);
        Assert.That(rows, Is.EqualTo(12 + 1), "each row of the prompt, the last of which also draws, and one decode");
        Assert.That(harness.Records.Max(static r => r.PrefillTokens), Is.EqualTo(5), "as many rows as the bound leaves beside one for each sequence");
    }
}
