using FsCheck;
using FsCheck.Fluent;

namespace Moesaic.Scheduling.Tests;

/// <summary>Shares of tenants, and order within one.</summary>
internal sealed class FairnessTests
{
    private const int MaxPrompt = 20;
    private const int MaxTokens = 16;

    /// <summary>
    /// While all tenants have requests waiting, what they were served differs by no more than 2 max(longest prompt,
    /// DecodeCharge x tokens of a full batch): theorem 4.4 of Sheng et al. (see Tenant). Weighted service counts per weight.
    /// </summary>
    [Test]
    public void Backlogged_tenants_are_served_alike_whatever_they_ask_for()
    {
        SchedulerOptions options = Harness.Options(blocks: 200, sequences: 4, budget: 12) with { PrefixCaching = false };
        int bound = 2 * Math.Max(MaxPrompt, options.DecodeCharge * options.MaxSequences * MaxTokens);
        Gen<(int Prompt, int Tokens)> size = Gen.Choose(1, MaxPrompt).SelectMany(p => Gen.Choose(1, MaxTokens).Select(t => (p, t)));
        Gen<int[]> weights = Gen.Elements<int[]>([1, 1], [1, 2], [1, 1, 1], [3, 1, 2]);
        Arbitrary<(int[] Weights, (int Prompt, int Tokens)[] Sizes)> arbitrary =
            weights.SelectMany(w => Gen.ArrayOf(size, w.Length).Select(s => (w, s))).ToArbitrary();
        Check.One(FixedSeed.Config(seed: 4, count: 15), Prop.ForAll(arbitrary, given =>
        {
            Harness harness = new(options);
            int tenants = given.Weights.Length;
            for (int i = 0; i < 400; i++)
            {
                for (int t = 0; t < tenants; t++)
                {
                    // Always two waiting.
                    while (harness.Requests.Count(r => r.Admitted is null && r.Options.Tenant == Name(t)) < 2)
                    {
                        harness.Submit(new RequestOptions { Prompt = Harness.Prompt(given.Sizes[t].Prompt), MaxTokens = given.Sizes[t].Tokens, Tenant = Name(t), TenantWeight = given.Weights[t] });
                    }
                }

                harness.Tick();
                double[] served = [.. Enumerable.Range(0, tenants).Select(t => Served(harness, Name(t), options.DecodeCharge) / (double)given.Weights[t])];
                Assert.That(served.Max() - served.Min(), Is.LessThanOrEqualTo(bound), $"served by weight: {string.Join(", ", served)}");
            }

            Assert.That(Served(harness, Name(0), options.DecodeCharge), Is.GreaterThan(bound), "the bound means something");
        }));

        static string Name(int tenant) => ((char)('a' + tenant)).ToString();
    }

    [Test]
    public void Being_away_earns_nothing()
    {
        Harness harness = new(Harness.Options(blocks: 200, sequences: 1, budget: 64), depth: 1);
        RequestOptions asked = new() { Prompt = Harness.Prompt(4), MaxTokens = 2, Tenant = "busy" };
        harness.Submit(asked with { Tenant = "away" });
        harness.RunToEnd();
        for (int i = 0; i < 20; i++)
        {
            harness.Submit(asked);
        }

        while (harness.Scheduler.NumWaiting > 10)
        {
            harness.Tick();
        }

        Request[] back = [.. Enumerable.Range(0, 6).Select(_ => harness.Submit(asked with { Tenant = "away" }))];
        while (harness.Scheduler.NumWaiting > 8)
        {
            harness.Tick();
        }

        Assert.That(back.Count(static r => r.Admitted is not null), Is.InRange(3, 5), "they take turns");
        harness.RunToEnd();
    }

    [Test]
    public void Lower_numbers_go_first_and_equal_ones_in_turn()
    {
        Harness harness = new(Harness.Options(blocks: 200, sequences: 1), depth: 1);
        int[] priorities = [0, 2, -1, 0, 2, -1, int.MaxValue, int.MinValue];
        Request[] requests = [.. priorities.Select(p => harness.Submit(new RequestOptions { Prompt = Harness.Prompt(3), MaxTokens = 1, Priority = p }))];
        List<int> order = [];
        while (harness.Scheduler.HasWork)
        {
            harness.Tick();
            order.AddRange(Enumerable.Range(0, requests.Length).Where(i => requests[i].Admitted is not null && !order.Contains(i)));
        }

        Assert.That(order, Is.EqualTo(new[] { 7, 2, 5, 0, 3, 1, 4, 6 }));
    }

    /// <summary>Against a stream of better ones, a request waits for as long as its levels of priority are worth, and no longer.</summary>
    [TestCase(1)]
    [TestCase(4)]
    public void Waiting_makes_up_for_priority(int levels)
    {
        SchedulerOptions options = Harness.Options(blocks: 200, sequences: 1) with { PriorityStep = TimeSpan.FromSeconds(1) };
        Harness harness = new(options, depth: 1);
        RequestOptions asked = new() { Prompt = Harness.Prompt(3), MaxTokens = 1 };
        harness.Submit(asked);
        Request low = harness.Submit(asked with { Priority = levels });
        while (low.Admitted is null)
        {
            harness.Submit(asked);
            harness.Clock.Advance(TimeSpan.FromMilliseconds(100));
            harness.Tick();
            Assert.That(harness.Scheduler.Now, Is.LessThan(TimeSpan.FromSeconds((2 * levels) + 1)), "starved");
        }

        // Those who came within the levels' worth of time go first; the machine keeps up with them.
        Assert.That(low.Admitted!.Value.TotalSeconds, Is.InRange(levels, levels + 0.3));
    }

    private static long Served(Harness harness, string tenant, int decodeCharge) => harness.Requests
        .Where(r => r.Options.Tenant == tenant && r.Admitted is not null)
        .Sum(r => r.Prompt.Length + r.Sequences.Sum(s => (long)decodeCharge * (s.NumGenerated + s.NumPending)));
}
