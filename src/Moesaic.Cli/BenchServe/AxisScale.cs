using System.Globalization;

namespace Moesaic.Cli.BenchServe;

/// <summary>An axis from 0 with round numbers on it.</summary>
internal sealed class AxisScale
{
    private const int AboutTicks = 5;

    private readonly double _step;

    /// <param name="largest">The largest value to be shown.</param>
    public AxisScale(double largest)
    {
        _step = RoundStep(largest > 0 && double.IsFinite(largest) ? largest : 1, AboutTicks);
        Top = Math.Ceiling((largest > 0 && double.IsFinite(largest) ? largest : 1) / _step) * _step;
    }

    /// <summary>Where the axis ends.</summary>
    public double Top { get; }

    public IEnumerable<double> Ticks => Enumerable.Range(0, (int)Math.Round(Top / _step) + 1).Select(i => i * _step);

    /// <summary>Length in 1, 2 or 5 times a power of ten, so that at most about <paramref name="count"/> of them make up the value.</summary>
    public static double RoundStep(double value, int count)
    {
        double rough = value / count;
        double power = Math.Pow(10, Math.Floor(Math.Log10(rough)));
        double digit = rough / power;
        return power * (digit <= 1 ? 1 : digit <= 2 ? 2 : digit <= 5 ? 5 : 10);
    }

    public static string Label(double value) => Math.Abs(value) < 1e-12 ? "0" : value.ToString("0.######", CultureInfo.InvariantCulture);
}
