using System.Globalization;
using Moesaic.Engine.Benchmarking;

namespace Moesaic.Cli.Verbs;

/// <summary>The gate's judgement as a table, and after it every missed row by name.</summary>
internal sealed class GateTable
{
    private readonly TextWriter _output;
    private readonly List<GateRow> _rows = [];

    public GateTable(TextWriter output)
    {
        _output = output;
        _output.WriteLine("| case | level | phase | tokens/s | limit, G/s | share of limit | floor | of its rate run once | allocated bytes/token | attempts | verdict |");
        _output.WriteLine("|---|---|---|---:|---:|---:|---:|---:|---:|---:|---|");
    }

    public void Skip(string name, string level, string why) => _output.WriteLine($"| {name} | {level} | | | | | | | | | {why} |");

    public void Add(IEnumerable<GateRow> rows)
    {
        foreach (GateRow row in rows)
        {
            _rows.Add(row);
            BenchmarkRow m = row.Measured;
            Line($"| {row.Case} | {row.Level} | {Phase(row)} | {m.TokensPerSecond.Median:F1} | {m.Limit.Median / 1e9:F1} | {m.ShareOfLimit.Median:F3} | {Number(row.Floor)} | {Number(m.RateOfOnce?.Median)} | {m.AllocatedBytesPerToken:F1} | {row.Attempts} | {Verdict(row)} |");
        }
    }

    /// <summary>Names what was missed; the exit code.</summary>
    public int End()
    {
        GateRow[] missed = [.. _rows.Where(r => r.Missed)];
        int judged = _rows.Count(r => r.Verdict != GateVerdict.NotGated);
        _output.WriteLine();
        foreach (GateRow row in missed)
        {
            BenchmarkRow m = row.Measured;
            string limit = row.Measured.Phase == BenchmarkPhase.Decode ? "GB/s read bandwidth" : "Gop/s peak";
            Line(row.Verdict == GateVerdict.Allocates
                ? $"MISSED: {row.Case}, {row.Level}, {Phase(row)}: {m.AllocatedBytesPerToken:F1} managed bytes are allocated for each token; expected 0"
                : (FormattableString)$"MISSED: {row.Case}, {row.Level}, {Phase(row)}: {m.ShareOfLimit.Median:F3} of {m.Limit.Median / 1e9:F1} {limit} ({m.TokensPerSecond.Median:F1} tokens/s) in the best of {row.Attempts} attempts; the floor is {row.Floor:F3}");
        }

        _output.WriteLine($"perf-gate: {judged} rows judged, {missed.Length} missed, {_rows.Count - judged} not gated");
        if (judged == 0)
        {
            _output.WriteLine("perf-gate: nothing was judged on this machine");
            return ExitCodes.NotJudged;
        }

        return missed.Length == 0 ? ExitCodes.Success : ExitCodes.BudgetMissed;
    }

    private static string Phase(GateRow row) => row.Measured.Phase == BenchmarkPhase.Decode ? "decode" : "prefill";

    private static string Number(double? value) => value is { } number ? number.ToString("F3", CultureInfo.InvariantCulture) : "";

    private static string Verdict(GateRow row) => row.Verdict switch
    {
        GateVerdict.Passed => "pass",
        GateVerdict.NotGated => "not gated: no machine has been measured",
        _ => "MISSED",
    };

    private void Line(FormattableString line) => _output.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
