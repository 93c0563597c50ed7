using Moesaic.Cli.BenchServe;

namespace Moesaic.Cli.Tests.BenchServe;

internal sealed class ArrivalScheduleTests
{
    private const int Count = 20_000;

    [TestCase(1, 1)]
    [TestCase(0.25, 2)]
    [TestCase(16, 0.25)]
    public void Pauses_have_the_rate_and_the_spread_of_a_gamma_distribution(double burstiness, double variation)
    {
        double[] due = ArrivalSchedule.Draw(Count, 50, burstiness, new BenchRandom(3));
        double[] pauses = [.. due.Zip(due.Skip(1), (a, b) => b - a)];
        double mean = pauses.Average();
        double deviation = Math.Sqrt(pauses.Average(p => (p - mean) * (p - mean)));
        Assert.That(due[0], Is.Zero);
        Assert.That(pauses.Min(), Is.GreaterThanOrEqualTo(0));
        Assert.That(mean, Is.EqualTo(1.0 / 50).Within(0.1).Percent);

        // Coefficient of variation of a gamma distribution: 1 / sqrt(shape).
        Assert.That(deviation / mean, Is.EqualTo(variation).Within(5).Percent);
    }

    [Test]
    public void An_infinite_rate_sends_all_at_once() =>
        Assert.That(ArrivalSchedule.Draw(5, double.PositiveInfinity, 1, new BenchRandom(1)), Is.All.Zero);

    [Test]
    public void The_seed_alone_decides()
    {
        Assert.That(ArrivalSchedule.Draw(50, 2, 0.5, new BenchRandom(9)), Is.EqualTo(ArrivalSchedule.Draw(50, 2, 0.5, new BenchRandom(9))));
        Assert.That(ArrivalSchedule.Draw(50, 2, 0.5, new BenchRandom(9)), Is.Not.EqualTo(ArrivalSchedule.Draw(50, 2, 0.5, new BenchRandom(10))));

        // The published first outputs of SplitMix64 for the seed 1234567.
        BenchRandom random = new(1234567);
        Assert.That(new[] { random.NextBits(), random.NextBits() }, Is.EqualTo(new[] { 6457827717110365317UL, 3203168211198807973UL }));
    }

    [Test]
    public void Whole_numbers_cover_their_range_evenly()
    {
        BenchRandom random = new(5);
        int[] counts = new int[7];
        for (int i = 0; i < 70_000; i++)
        {
            counts[random.Between(3, 9) - 3]++;
        }

        Assert.That(counts, Is.All.EqualTo(10_000).Within(4).Percent);
    }
}
