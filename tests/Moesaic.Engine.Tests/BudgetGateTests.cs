using System.Collections.Immutable;
using Moesaic.Engine.Benchmarking;
using Moesaic.Interop;

namespace Moesaic.Engine.Tests;

/// <summary>The gate's decisions on made-up measurements, and on real ones with and without kernels that are run twice.</summary>
public sealed class BudgetGateTests
{
    private static readonly PerformanceBudget s_budget = new("", 0.6, 8, 8, 3, 2, []);
    private static readonly BudgetExpectation s_expected = new(Decode: 0.8, Prefill: 0.5, Measured: true);

    [Test]
    public void Passes_from_the_floor_on()
    {
        // Floors 0.3 and 0.48.
        Assert.That(Judge(out int attempts, (0.3, 0.48)), Is.EqualTo(new[] { GateVerdict.Passed, GateVerdict.Passed }));
        Assert.That(attempts, Is.EqualTo(1));
    }

    [Test]
    public void Names_the_phase_that_stays_below_its_floor_in_every_attempt()
    {
        ImmutableArray<GateRow> rows = JudgeRows(s_expected, out int attempts, (0.5, 0.40), (0.5, 0.47), (0.5, 0.45));
        Assert.That(rows.Select(r => (r.Measured.Phase, r.Verdict, r.Missed)), Is.EqualTo(new[]
        {
            (BenchmarkPhase.Prefill, GateVerdict.Passed, false),
            (BenchmarkPhase.Decode, GateVerdict.TooSlow, true),
        }));
        Assert.That((attempts, rows[1].Attempts), Is.EqualTo((3, 3)));
        Assert.That(rows[1].Measured.ShareOfLimit.Median, Is.EqualTo(0.47), "the best attempt is told");
        Assert.That(rows[1].Floor, Is.EqualTo(0.48).Within(1e-12));
        Assert.That((rows[1].Case, rows[1].Level), Is.EqualTo(("case", "avx2")));
    }

    [Test]
    public void A_busy_moment_is_forgiven()
    {
        Assert.That(Judge(out int attempts, (0.1, 0.1), (0.5, 0.8)), Is.All.EqualTo(GateVerdict.Passed));
        Assert.That(attempts, Is.EqualTo(2));
    }

    [Test]
    public void Each_phase_may_pass_in_an_attempt_of_its_own() =>
        Assert.That(Judge(out _, (0.1, 0.8), (0.5, 0.1)), Is.All.EqualTo(GateVerdict.Passed));

    [Test]
    public void Only_the_median_counts()
    {
        BenchmarkRow flapping = Row(BenchmarkPhase.Decode, 0.5) with { ShareOfLimit = new Spread(0.01, 0.5, 0.9) };
        BenchmarkRow lucky = Row(BenchmarkPhase.Decode, 0.4) with { ShareOfLimit = new Spread(0.01, 0.4, 0.9) };
        BenchmarkRow prefill = Row(BenchmarkPhase.Prefill, 0.5);
        Assert.That(BudgetGate.Judge(s_budget, "", "", s_expected, () => [prefill, flapping])[1].Verdict, Is.EqualTo(GateVerdict.Passed));
        Assert.That(BudgetGate.Judge(s_budget, "", "", s_expected, () => [prefill, lucky])[1].Verdict, Is.EqualTo(GateVerdict.TooSlow));
    }

    [Test]
    public void The_tolerance_makes_the_floor([Values(0.1, 0.5, 1.0)] double tolerance)
    {
        PerformanceBudget budget = s_budget with { Tolerance = tolerance };
        foreach ((double factor, GateVerdict verdict) in new[] { (1.001, GateVerdict.Passed), (0.999, GateVerdict.TooSlow) })
        {
            GateRow decode = BudgetGate.Judge(budget, "", "", s_expected, () => [Row(BenchmarkPhase.Prefill, 1), Row(BenchmarkPhase.Decode, 0.8 * tolerance * factor)])[1];
            Assert.That(decode.Verdict, Is.EqualTo(verdict));
        }
    }

    [Test]
    public void A_single_byte_per_token_misses_however_fast()
    {
        Queue<double> allocated = new([0.125, 0, 0]);
        ImmutableArray<GateRow> rows = BudgetGate.Judge(s_budget, "", "", s_expected, () =>
            [Row(BenchmarkPhase.Prefill, 0.9) with { AllocatedBytesPerToken = 50 }, Row(BenchmarkPhase.Decode, 0.9) with { AllocatedBytesPerToken = allocated.Dequeue() }]);
        Assert.That(rows.Select(r => r.Verdict), Is.EqualTo(new[] { GateVerdict.Passed, GateVerdict.Allocates }));
        Assert.That(rows[1].Missed);
    }

    [Test]
    public void An_allocation_is_not_forgotten_by_measuring_again()
    {
        Queue<(double Share, double Bytes)> attempts = new([(0.1, 8), (0.9, 0)]);
        ImmutableArray<GateRow> rows = BudgetGate.Judge(s_budget, "", "", s_expected, () =>
        {
            (double share, double bytes) = attempts.Dequeue();
            return [Row(BenchmarkPhase.Prefill, share), Row(BenchmarkPhase.Decode, 0.9) with { AllocatedBytesPerToken = bytes }];
        });
        Assert.That(rows.Select(r => r.Verdict), Is.EqualTo(new[] { GateVerdict.Passed, GateVerdict.Allocates }));
    }

    [Test]
    public void Expectations_that_no_machine_has_shown_are_reported_only()
    {
        ImmutableArray<GateRow> rows = JudgeRows(s_expected with { Measured = false }, out int attempts, (0.01, 0.01));
        Assert.That(rows.Select(r => (r.Verdict, r.Floor, r.Missed)), Is.All.EqualTo((GateVerdict.NotGated, (double?)null, false)));
        Assert.That(attempts, Is.EqualTo(1));
    }

    [Test]
    public void Not_a_number_is_no_pass() =>
        Assert.That(Judge(out _, (double.NaN, 0.9), (double.NaN, 0.9), (double.NaN, 0.9))[0], Is.EqualTo(GateVerdict.TooSlow));

    [Test]
    public void A_missing_or_doubled_row_is_an_error_and_no_pass()
    {
        BenchmarkRow prefill = Row(BenchmarkPhase.Prefill, 1);
        BenchmarkRow decode = Row(BenchmarkPhase.Decode, 1);
        foreach (BenchmarkRow[] rows in new BenchmarkRow[][] { [], [prefill], [decode], [decode, decode], [prefill, decode, decode] })
        {
            Assert.That(() => BudgetGate.Judge(s_budget, "case", "avx2", s_expected, () => rows), Throws.InvalidOperationException.With.Message.Contains("case at level avx2"));
        }
    }

    /// <summary>Slowed and plain runs take turns, and each is compared with the other: what else the machine does meets both.</summary>
    [Test]
    [Retry(3)] // as the gate itself does: a machine that is busy for a moment is measured again
    public void Kernels_that_run_twice_are_rejected_and_the_same_run_once_are_not()
    {
        using BenchmarkModel model = BenchmarkModel.Load((string?)null, new DeviceOptions { NumThreads = 1 });
        BenchmarkReport report = Benchmark.Run(model, new BenchmarkOptions { PromptLengths = [48], GeneratedTokens = 16, Repetitions = 15, RunsPerStep = 2 });
        Assert.That(report.Rows, Has.Length.EqualTo(2));
        Assert.That(report.Rows.Select(r => r.RateOfOnce!.Value.Median), Is.All.InRange(0.35, 0.75), "twice the work");

        BenchmarkRow[] once = [.. report.Rows.Select(r => r with { ShareOfLimit = Scaled(r.ShareOfLimit, 1 / r.RateOfOnce!.Value.Median), RateOfOnce = null })];
        BudgetExpectation expected = new(once[1].ShareOfLimit.Median, once[0].ShareOfLimit.Median, Measured: true);
        PerformanceBudget budget = s_budget with { Tolerance = 0.8, Retries = 0 };
        Assert.That(BudgetGate.Judge(budget, "", "", expected, () => once).Select(r => r.Verdict), Is.All.EqualTo(GateVerdict.Passed));
        Assert.That(BudgetGate.Judge(budget, "", "", expected, () => report.Rows).Select(r => r.Verdict), Is.All.EqualTo(GateVerdict.TooSlow));
    }

    [Test]
    public void A_report_has_both_phases_with_limits_and_no_allocation()
    {
        using BenchmarkModel model = BenchmarkModel.Load((string?)null, new DeviceOptions { NumThreads = 2 });
        BenchmarkReport report = Benchmark.Run(model, new BenchmarkOptions { PromptLengths = [7, 20], BatchSizes = [1, 3], GeneratedTokens = 3, Repetitions = 2, PrefillChunk = 16 });
        Assert.That(report.Rows.Select(r => (r.Phase, r.PromptLength, r.BatchSize)), Is.EqualTo(
            from batch in new[] { 1, 3 }
            from prompt in new[] { 7, 20 }
            from phase in new[] { BenchmarkPhase.Prefill, BenchmarkPhase.Decode }
            select (phase, prompt, batch)));
        Assert.Multiple(() =>
        {
            Assert.That(report.Rows.Select(r => r.AllocatedBytesPerToken), Is.All.Zero);
            Assert.That(report.Rows.Select(r => r.RateOfOnce), Is.All.Null);
            Assert.That(report.Rows.SelectMany(r => new[] { r.Work, r.TokensPerSecond.Min, r.Limit.Min, r.ShareOfLimit.Min }), Is.All.Positive);
            Assert.That(report.Rows.Select(r => r.Limit.Min), Is.All.GreaterThanOrEqualTo(Math.Min(report.ReadBandwidth.Min, report.PeakOperations.Min)));
        });
    }

    private static Spread Scaled(Spread spread, double factor) => new(spread.Min * factor, spread.Median * factor, spread.Max * factor);

    private static GateVerdict[] Judge(out int attempts, params (double Prefill, double Decode)[] shares) =>
        [.. JudgeRows(s_expected, out attempts, shares).Select(r => r.Verdict)];

    private static ImmutableArray<GateRow> JudgeRows(BudgetExpectation expectation, out int attempts, params (double Prefill, double Decode)[] shares)
    {
        int asked = 0;
        ImmutableArray<GateRow> rows = BudgetGate.Judge(s_budget, "case", "avx2", expectation, () =>
        {
            (double prefill, double decode) = shares[asked++];
            // Whatever the order.
            return [Row(BenchmarkPhase.Decode, decode), Row(BenchmarkPhase.Prefill, prefill)];
        });
        attempts = asked;
        return rows;
    }

    private static BenchmarkRow Row(BenchmarkPhase phase, double share) =>
        new(phase, 8, 8, 1, One(100), 1e6, One(1e9), One(share), null, 0);

    private static Spread One(double value) => new(value, value, value);
}
