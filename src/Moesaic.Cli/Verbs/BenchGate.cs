using System.Collections.Immutable;
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
        RequireNothingElse(options);
        BenchmarkOptions measurement = BenchRequest.Measurement(options, cancellationToken);
        PerformanceBudget budget = PerformanceBudget.Load(options.Gate!);
        try
        {
            measurement = measurement with
            {
                PromptLengths = [budget.PromptLength],
                BatchSizes = [1],
                GeneratedTokens = budget.GeneratedTokens,
                Repetitions = budget.Repetitions,
            };
            return options.Suggest is int rounds ? Suggest(options, budget, measurement, rounds, terminal) : Judge(options, budget, measurement, terminal);
        }
        catch (Exception exception) when (Failures.CodeOf(exception) == ExitCodes.RunFailure)
        {
            // The code of a missed budget is kept for that alone.
            _ = Failures.Report(exception, terminal);
            return ExitCodes.NotJudged;
        }
    }

    private static int Judge(BenchOptions options, PerformanceBudget budget, BenchmarkOptions measurement, Terminal terminal)
    {
        // Measuring again is for a machine that is busy for a moment; kernels that are run twice are meant to miss.
        budget = measurement.RunsPerStep > 1 ? budget with { Retries = 0 } : budget;
        string processor = CpuInfo.Detect().Name;
        if (budget.For(processor) is var adapted && adapted != budget)
        {
            terminal.Output.WriteLine(FormattableString.Invariant(
                $"other processor: {processor}; the budget is of {budget.Processor}, its floors are {adapted.Tolerance} of its expectations instead of {budget.Tolerance}"));
            budget = adapted;
        }

        GateTable table = new(terminal.Output);
        foreach ((BudgetCase one, string level, BenchmarkModel? model) in Models(options, budget))
        {
            if (model is null)
            {
                table.Skip(one.Name, level, $"skipped: {one.Model} is absent");
            }
            else if (!one.Levels.TryGetValue(level, out BudgetExpectation? expectation))
            {
                table.Skip(one.Name, level, "not gated: the budget has no such level");
            }
            else
            {
                table.Add(BudgetGate.Judge(budget, one.Name, level, expectation, () => BenchCommand.Measure(model, measurement).Rows));
            }

            terminal.Flush();
        }

        return table.End();
    }

    private static int Suggest(BenchOptions options, PerformanceBudget budget, BenchmarkOptions measurement, int rounds, Terminal terminal)
    {
        ImmutableArray<BudgetCase>.Builder cases = ImmutableArray.CreateBuilder<BudgetCase>();
        cases.AddRange(budget.Cases);
        foreach ((BudgetCase one, string level, BenchmarkModel? model) in Models(options, budget))
        {
            if (model is null)
            {
                terminal.Error.WriteLine($"{one.Name}: {one.Model} is absent, its rows stay as they are");
                continue;
            }

            BenchmarkRow[] rows = [.. Enumerable.Range(0, rounds).SelectMany(_ => BenchCommand.Measure(model, measurement).Rows)];
            Spread decode = Shares(rows, BenchmarkPhase.Decode);
            Spread prefill = Shares(rows, BenchmarkPhase.Prefill);
            terminal.Error.WriteLine(FormattableString.Invariant(
                $"{one.Name}, {level}: decode {decode.Min:F3} / {decode.Median:F3} / {decode.Max:F3}, prefill {prefill.Min:F3} / {prefill.Median:F3} / {prefill.Max:F3}"));
            int index = Enumerable.Range(0, cases.Count).First(i => cases[i].Name == one.Name);
            cases[index] = cases[index] with { Levels = cases[index].Levels.SetItem(level, new BudgetExpectation(decode.Median, prefill.Median, Measured: true)) };
        }

        terminal.Output.Write(PerformanceBudgetWriter.Write(budget with { Cases = cases.ToImmutable() }));
        return ExitCodes.Success;
    }

    private static Spread Shares(BenchmarkRow[] rows, BenchmarkPhase phase) => Spread.Of(rows.Where(r => r.Phase == phase).Select(r => r.ShareOfLimit.Median));

    /// <summary>Each case at each level of this machine, loaded until the next is asked for; one null where its file is absent.</summary>
    private static IEnumerable<(BudgetCase Case, string Level, BenchmarkModel? Model)> Models(BenchOptions options, PerformanceBudget budget)
    {
        ImmutableArray<(string Name, DeviceOptions Options)> levels = DeviceLevels.Of(CpuInfo.Detect());
        foreach (BudgetCase one in budget.Cases.Where(c => c.Name.Contains(options.Only ?? "", StringComparison.OrdinalIgnoreCase)))
        {
            string? path = one.Model is null ? null : Path.Combine(Path.GetDirectoryName(Path.GetFullPath(options.Gate!))!, one.Model);
            if (path is not null && !Path.Exists(path))
            {
                yield return (one, "", null);
                continue;
            }

            using SyntheticModel? synthetic = path is null ? BenchRequest.Synthetic(one.Synthetic!, one.Type, one.MaxGib) : null;
            foreach ((string level, DeviceOptions levelOptions) in levels)
            {
                DeviceOptions device = levelOptions with { NumThreads = ModelLoading.Device(null, options.Threads).NumThreads };
                using BenchmarkModel model = synthetic is null ? BenchmarkModel.Load(path, device) : BenchmarkModel.Load(synthetic, device);
                yield return (one, level, model);
            }
        }
    }

    private static void RequireNothingElse(BenchOptions options)
    {
        (string Name, bool Given)[] others =
        [
            ("--model", options.Model is not null), ("--synthetic", options.Synthetic is not null), ("--type", options.Type is not null),
            ("--isa", options.Isa is not null), ("--device", options.Device is not null), ("--json", options.Json), ("--markdown", options.Markdown is not null),
        ];
        if (others.FirstOrDefault(o => o.Given).Name is { } other)
        {
            throw new UsageException($"{other} does not go with --gate, which measures the budget's own cases at every level");
        }

        if (options.Suggest is < 1 or > 1000)
        {
            throw new UsageException($"--suggest is {options.Suggest}; expected 1 to 1000 rounds");
        }
    }
}
