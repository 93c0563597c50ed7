using FsCheck.Fluent;

namespace Moesaic.Scheduling.Tests;

/// <summary>Random arrivals, cancellations, deadlines and failures against the rules in <see cref="Harness"/>.</summary>
internal sealed class SchedulerPropertyTests
{
    /// <summary>With one step in flight, and without: the same rules hold, and the same tokens come out.</summary>
    [TestCase(Scheduler.MaxStepsInFlight, 1ul)]
    [TestCase(1, 2ul)]
    public void Everybody_gets_what_they_would_get_alone(int depth, ulong seed) =>
        Check(seed, 200, scenario => ScenarioRun.Play(scenario, depth));

    /// <summary>The random scenarios do reach what they are meant to test.</summary>
    [Test]
    public void Scenarios_reach_every_mechanism()
    {
        int preempted = 0, cached = 0, copies = 0, mixed = 0, expired = 0, placeholders = 0, evictions = 0, recomputed = 0, stalled = 0;
        HashSet<FinishReason> reasons = [];
        Check(3, 60, scenario =>
        {
            Harness harness = ScenarioRun.Play(scenario, Scheduler.MaxStepsInFlight);
            preempted += harness.Preemptions;
            cached += harness.Records.Sum(static r => r.CachedTokens);
            copies += harness.Records.Sum(static r => r.Copies);
            mixed += harness.Records.Count(static r => r.IsMixed);
            expired += harness.Records.Sum(static r => r.Expired);
            recomputed += harness.Records.Sum(static r => r.RecomputedTokens);
            stalled += harness.Records.Sum(static r => r.Stalled);
            placeholders += (int)harness.Scheduler.Counters.DiscardedRows;
            evictions += (int)Enumerable.Range(0, harness.Scheduler.NumKvGroups).Sum(g => harness.Scheduler.BlocksOf(g).Evictions);
            reasons.UnionWith(harness.Requests.SelectMany(static r => r.Sequences).Select(static s => s.Finish));
        });
        TestContext.Out.WriteLine($"preempted {preempted}, cached {cached}, copies {copies}, mixed {mixed}, expired {expired}, discarded {placeholders}, evictions {evictions}, recomputed {recomputed}, stalled {stalled}");
        Assert.That(new[] { preempted, cached, copies, mixed, expired, placeholders, evictions, recomputed, stalled }, Has.All.GreaterThan(3));
        Assert.That(reasons, Is.EquivalentTo(Enum.GetValues<FinishReason>().Except([FinishReason.None])));
    }

    private static void Check(ulong seed, int count, Action<Scenario> play) =>
        FsCheck.Check.One(FixedSeed.Config(seed, count), Prop.ForAll(Scenario.Arbitrary, play));
}
