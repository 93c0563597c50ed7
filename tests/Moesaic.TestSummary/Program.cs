using Moesaic.TestSummary;

// Sums the results of all runners and prints the closing line. Fails when a test failed, when nothing was executed,
// and when a test was skipped for a reason that is not in the checked-in list.
if (args.Length != 2)
{
    Console.Error.WriteLine("usage: Moesaic.TestSummary RESULTS_FOLDER ALLOWED_SKIPS_FILE");
    return 2;
}

string[] allowed = [.. File.ReadLines(args[1]).Select(line => line.Trim()).Where(line => line.Length > 0 && line[0] != '#')];
string[] files = [.. Directory.EnumerateFiles(args[0], "*", SearchOption.AllDirectories)
    .Where(file => Path.GetExtension(file) is ".trx" or ".xml")
    .Order(StringComparer.Ordinal)];

List<TestResult> results = [.. files.SelectMany(ResultReaders.Read)];
int passed = results.Count(r => r.Outcome == TestOutcome.Passed);
int failed = results.Count(r => r.Outcome == TestOutcome.Failed);
int skipped = results.Count - passed - failed;
bool ok = failed == 0;

foreach (TestResult result in results.Where(r => r.Outcome == TestOutcome.Failed))
{
    Console.WriteLine($"FAILED {result.Name}: {result.Message}");
}

foreach (IGrouping<string, TestResult> reason in results.Where(r => r.Outcome == TestOutcome.Skipped).GroupBy(r => r.Message).OrderBy(g => g.Key, StringComparer.Ordinal))
{
    bool known = allowed.Any(pattern => Matches(pattern, reason.Key));
    ok &= known;
    Console.WriteLine($"skipped {reason.Count()}: {(reason.Key.Length == 0 ? "(no reason given)" : reason.Key)}{(known ? "" : $"  <- not in {args[1]}, e.g. {reason.First().Name}")}");
}

if (passed + failed == 0)
{
    Console.WriteLine($"No test was executed ({files.Length} result files in {args[0]}).");
    ok = false;
}

Console.WriteLine($"{passed} passed, {failed} failed, {skipped} skipped");
return ok ? 0 : 1;

static bool Matches(string pattern, string reason) =>
    pattern.EndsWith('*') ? reason.StartsWith(pattern[..^1], StringComparison.Ordinal) : reason == pattern;
