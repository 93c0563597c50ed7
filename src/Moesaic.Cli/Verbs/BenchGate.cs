using System.Globalization;
using Moesaic.Cli.Hosting;
using Moesaic.Engine.Benchmarking;
using Moesaic.Interop;
using Moesaic.Models.Synthetic;

namespace Moesaic.Cli.Verbs;

/// <summary>Compares measured shares of the machine's limits with a budget, at every instruction-set level that the machine has.</summary>
internal static class BenchGate
{
    public static int Run(BenchOptions options, Terminal terminal, CancellationToken cancellationToken)
    {
        PerformanceBudget budget = PerformanceBudget.Load(options.Gate!);
        BenchmarkOptions measurement = BenchRequest.Measurement(options, cancellationToken) with
        {
            PromptLengths = [budget.PromptLength],
            BatchSizes = [1],
            GeneratedTokens = budget.GeneratedTokens,
            Repetitions = budget.Repetitions,
        };
        terminal.Output.WriteLine("| case | level | phase | share of limit | floor | allocated bytes/token | verdict |");
        terminal.Output.WriteLine("|---|---|---|---:|---:|---:|---|");
        int gated = 0;
        int failed = 0;
        foreach (BudgetCase budgetCase in budget.Cases)
        {
            string? model = budgetCase.Model is null ? null : Path.Combine(Path.GetDirectoryName(Path.GetFullPath(options.Gate!))!, budgetCase.Model);
            if (model is not null && !Path.Exists(model))
            {
                terminal.Output.WriteLine($"| {budgetCase.Name} | | | | | | skipped: {budgetCase.Model} is absent |");
                continue;
            }

            foreach ((string level, DeviceOptions device) in DeviceLevels.Of(CpuInfo.Detect()))
            {
                if (budgetCase.Levels.TryGetValue(level, out BudgetFloor? floor))
                {
                    using BenchmarkModel loaded = Load(budgetCase, model, device with { NumThreads = options.Threads ?? 0 });
                    failed += Judge(loaded, measurement, budget, budgetCase.Name, level, floor, terminal);
                    gated++;
                }
            }
        }

        bool passed = gated > 0 && failed == 0;
        terminal.Output.WriteLine(gated == 0 ? "nothing was gated" : $"{gated} cases, {failed} below budget");
        return passed ? ExitCodes.Success : ExitCodes.RunFailure;
    }

    private static BenchmarkModel Load(BudgetCase budgetCase, string? path, DeviceOptions device)
    {
        if (path is not null)
        {
            return BenchmarkModel.Load(path, device);
        }

        using SyntheticModel synthetic = BenchRequest.Synthetic(budgetCase.Synthetic ?? "", budgetCase.Type, budgetCase.MaxGib);
        return BenchmarkModel.Load(synthetic, device);
    }

    // A machine that is busy for a moment gets another try; one that stays slow does not pass.
    private static int Judge(BenchmarkModel model, BenchmarkOptions measurement, PerformanceBudget budget, string name, string level, BudgetFloor floor, Terminal terminal)
    {
        for (int attempt = 0; ; attempt++)
        {
            BenchmarkReport report = BenchCommand.Measure(model, measurement);
            bool passes = report.Rows.All(r => Passes(r, floor, budget));
            if (!passes && attempt < budget.Retries)
            {
                continue;
            }

            foreach (BenchmarkRow row in report.Rows)
            {
                string phase = row.Phase == BenchmarkPhase.Decode ? "decode" : "prefill";
                terminal.Output.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"| {name} | {level} | {phase} | {row.ShareOfLimit.Median:F3} | {floor.Of(row.Phase) * budget.Tolerance:F3} | {row.AllocatedBytesPerToken:F1} | {(Passes(row, floor, budget) ? "pass" : "FAIL")}{(attempt > 0 ? $" (attempt {attempt + 1})" : "")} |"));
            }

            terminal.Flush();
            return passes ? 0 : 1;
        }
    }

    private static bool Passes(BenchmarkRow row, BudgetFloor floor, PerformanceBudget budget) =>
        row.ShareOfLimit.Median >= floor.Of(row.Phase) * budget.Tolerance
        && (row.Phase == BenchmarkPhase.Prefill || row.AllocatedBytesPerToken == 0);
}
