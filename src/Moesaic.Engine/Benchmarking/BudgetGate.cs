using System.Collections.Immutable;

namespace Moesaic.Engine.Benchmarking;

/// <summary>Judges measurements by a budget.</summary>
public static class BudgetGate
{
    /// <summary>
    /// Judges both phases of a case at one level. While a figure is too low, everything is measured again, up to
    /// <see cref="PerformanceBudget.Retries"/> times, and each phase's best median counts: other work on a machine only ever
    /// makes it slower. An allocation in any attempt counts.
    /// </summary>
    /// <param name="budget">Tolerance and retries.</param>
    /// <param name="name">Name of the case.</param>
    /// <param name="level">Instruction-set level.</param>
    /// <param name="expectation">What is expected there.</param>
    /// <param name="measure">One attempt: a row of each phase.</param>
    /// <exception cref="InvalidOperationException">An attempt has not exactly one row of each phase.</exception>
    public static ImmutableArray<GateRow> Judge(
        PerformanceBudget budget, string name, string level, BudgetExpectation expectation, Func<IReadOnlyList<BenchmarkRow>> measure)
    {
        ArgumentNullException.ThrowIfNull(budget);
        ArgumentNullException.ThrowIfNull(expectation);
        ArgumentNullException.ThrowIfNull(measure);
        List<BenchmarkRow> best = [];
        for (int attempt = 1; ; attempt++)
        {
            best = Better(best, OfEachPhase(measure(), name, level));
            ImmutableArray<GateRow> rows = [.. best.Select(row => Judge(budget, name, level, expectation, row, attempt))];
            if (attempt > budget.Retries || rows.All(r => r.Verdict != GateVerdict.TooSlow))
            {
                return rows;
            }
        }
    }

    private static GateRow Judge(PerformanceBudget budget, string name, string level, BudgetExpectation expectation, BenchmarkRow row, int attempt)
    {
        double floor = expectation.Of(row.Phase) * budget.Tolerance;
        GateVerdict verdict = row switch
        {
            { Phase: BenchmarkPhase.Decode, AllocatedBytesPerToken: not 0 } => GateVerdict.Allocates,
            _ when !expectation.Measured => GateVerdict.NotGated,
            // Not a number is no pass.
            _ => row.ShareOfLimit.Median >= floor ? GateVerdict.Passed : GateVerdict.TooSlow,
        };
        return new GateRow(name, level, row, expectation.Measured ? floor : null, attempt, verdict);
    }

    private static List<BenchmarkRow> Better(List<BenchmarkRow> before, List<BenchmarkRow> now) => before.Count == 0
        ? now
        : [.. before.Zip(now, (a, b) => (a.ShareOfLimit.Median >= b.ShareOfLimit.Median ? a : b) with
        {
            AllocatedBytesPerToken = Math.Max(a.AllocatedBytesPerToken, b.AllocatedBytesPerToken),
        })];

    private static List<BenchmarkRow> OfEachPhase(IReadOnlyList<BenchmarkRow> rows, string name, string level)
    {
        List<BenchmarkRow> sorted = [.. rows.OrderBy(r => r.Phase)];
        return sorted.Select(r => r.Phase).SequenceEqual([BenchmarkPhase.Prefill, BenchmarkPhase.Decode])
            ? sorted
            : throw new InvalidOperationException($"{name} at level {level} was measured as [{string.Join(", ", rows.Select(r => r.Phase))}]; expected one prefill and one decode.");
    }
}
