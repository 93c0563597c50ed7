using Moesaic.Engine.Benchmarking;
using Moesaic.Models;
using Moesaic.TestSupport;

namespace Moesaic.Engine.Tests;

/// <summary>Reading and writing budgets, and what the checked-in one must hold.</summary>
public sealed class PerformanceBudgetTests
{
    private const string Minimal = """
        {
          "tolerance": 0.6, "prompt": 8, "generate": 4, "repetitions": 3, "retries": 1,
          "cases": [{ "name": "one", "synthetic": "smollm2", "type": "q8_0", "levels": { "avx2": { "decode": 0.5, "prefill": 0.25, "measured": true } } }]
        }
        """;

    private static string CheckedIn => Path.Combine(TestPaths.RepositoryRoot, "tests", "perf-budget.json");

    [Test]
    public void The_checked_in_budget_has_every_level_and_gates_without_any_file()
    {
        PerformanceBudget budget = PerformanceBudget.Load(CheckedIn);
        Assert.Multiple(() =>
        {
            Assert.That(budget.Cases.Select(c => c.Levels.Keys.Order()), Is.All.EqualTo(DeviceLevels.Names.Order()));
            Assert.That(budget.Cases.Select(c => c.Name), Is.Unique);
            Assert.That(budget.Cases.Where(c => c.Model is null).SelectMany(c => c.Levels.Values).Any(e => e.Measured));
            // Twice the time is half the share: the floor has to lie above that, and well below what was measured.
            Assert.That(budget.Tolerance, Is.InRange(0.55, 0.8));
        });
    }

    [Test]
    public void Writing_and_reading_gives_the_same()
    {
        PerformanceBudget budget = PerformanceBudget.Load(CheckedIn);
        string text = PerformanceBudgetWriter.Write(budget);
        Assert.That(text, Is.EqualTo(File.ReadAllText(CheckedIn)), "what --measure prints can replace the file");
    }

    [TestCase("\"tolerance\": 0.6", "\"tolerance\": 0", "tolerance")]
    [TestCase("\"tolerance\": 0.6", "\"tolerance\": 1.5", "tolerance")]
    [TestCase("\"tolerance\": 0.6,", "", "budget")]
    [TestCase("\"retries\": 1", "\"retries\": -1", "retries")]
    [TestCase("\"repetitions\": 3", "\"repetitions\": 0", "repetitions")]
    [TestCase("\"prompt\": 8", "\"prompt\": \"8\"", "budget")]
    [TestCase("\"avx2\"", "\"avx3\"", "avx512+vnni+bf16")]
    [TestCase("\"decode\": 0.5", "\"decode\": 0", "one.avx2.decode")]
    [TestCase("\"prefill\": 0.25", "\"prefill\": -1", "one.avx2.prefill")]
    [TestCase("\"synthetic\": \"smollm2\",", "", "model")]
    [TestCase("\"synthetic\":", "\"model\": \"m.gguf\", \"synthetic\":", "model")]
    [TestCase(", \"measured\": true", "", "budget")]
    [TestCase("\"type\": \"q8_0\"", "\"max_gib\": -1", "max_gib")]
    public void A_wrong_value_is_named(string right, string wrong, string named)
    {
        using TemporaryFolder folder = new();
        string path = folder.Combine("budget.json");
        File.WriteAllText(path, Minimal);
        Assert.That(PerformanceBudget.Load(path).Cases.Single().Levels["avx2"], Is.EqualTo(new BudgetExpectation(0.5, 0.25, true)));
        File.WriteAllText(path, Minimal.Replace(right, wrong, StringComparison.Ordinal));
        Assert.That(() => PerformanceBudget.Load(path), Throws.TypeOf<ModelFormatException>().With.Message.Contains(named).And.Message.Contains(path));
    }

    [Test]
    public void Another_processor_is_judged_by_its_own_tolerance()
    {
        PerformanceBudget budget = PerformanceBudget.Load(CheckedIn) with { Tolerance = 0.6, Processor = "this one", OtherProcessorTolerance = 0.25 };
        Assert.Multiple(() =>
        {
            Assert.That(budget.For("this one").Tolerance, Is.EqualTo(0.6));
            Assert.That(budget.For("another").Tolerance, Is.EqualTo(0.25));
            Assert.That((budget with { Processor = null }).For("another").Tolerance, Is.EqualTo(0.6));
        });
    }

    [Test]
    public void An_absent_file_is_one_clear_error() =>
        Assert.That(() => PerformanceBudget.Load("/no/such/budget.json"), Throws.TypeOf<ModelFormatException>().With.Message.Contains("/no/such/budget.json"));
}
