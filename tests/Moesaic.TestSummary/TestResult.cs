namespace Moesaic.TestSummary;

internal enum TestOutcome
{
    Passed,
    Failed,
    Skipped,
}

/// <summary>One executed or skipped test of any runner.</summary>
/// <param name="Name">Full name.</param>
/// <param name="Outcome">What became of it.</param>
/// <param name="Message">Failure text, or the reason of a skip.</param>
internal readonly record struct TestResult(string Name, TestOutcome Outcome, string Message);
