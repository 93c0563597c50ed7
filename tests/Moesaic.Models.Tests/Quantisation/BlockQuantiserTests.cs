using Moesaic.Interop;
using Moesaic.Models.Checkpoints;
using Moesaic.Models.Quantisation;

namespace Moesaic.Models.Tests.Quantisation;

/// <summary>What is quantised, read back by the decoders that are bit-exact against independent reference values.</summary>
public sealed class BlockQuantiserTests
{
    private const int Cols = 512;

    private static IEnumerable<ElementFormat> Fitted => BlockQuantiser.Formats.Where(f => f is not (ElementFormat.F32 or ElementFormat.F16 or ElementFormat.BF16));

    // Largest relative root-mean-square error on normal values, about 1.05 times what was measured. Of good encoders 0.075 to 0.08 are
    // known for Q4_K, 0.02 for Q6_K and 0.006 for Q8_0.
    private static readonly Dictionary<ElementFormat, double> s_limits = new()
    {
        [ElementFormat.Q8_0] = 0.0053, [ElementFormat.Q6_K] = 0.018, [ElementFormat.Q5_0] = 0.043, [ElementFormat.Q5_1] = 0.037, [ElementFormat.Q5_K] = 0.037,
        [ElementFormat.Q4_0] = 0.086, [ElementFormat.Q4_1] = 0.076, [ElementFormat.Q4_K] = 0.075, [ElementFormat.IQ4_NL] = 0.078, [ElementFormat.IQ4_XS] = 0.0785,
        [ElementFormat.MXFP4] = 0.118, [ElementFormat.Q3_K] = 0.153, [ElementFormat.Q2_K] = 0.275,
    };

    [TestCaseSource(nameof(Fitted))]
    public void Searched_scales_are_better_than_plain_rounding(ElementFormat format)
    {
        Random random = new(7);
        double searched = 0, plain = 0, size = 0;
        for (int row = 0; row < 48; row++)
        {
            float[] x = Values(random, row % 3), ones = Ones();
            double better = Error(x, ones, Quantise(format, x, ones, searches: true));
            double worse = Error(x, ones, Quantise(format, x, ones, searches: false));
            Assert.That(better, Is.LessThanOrEqualTo(worse * 1.00001), $"row {row}");
            searched += better;
            plain += worse;
            size += x.Sum(v => (double)v * v);
        }

        TestContext.Out.WriteLine($"{format}: plain {Math.Sqrt(plain / size):F5}, searched {Math.Sqrt(searched / size):F5}");
        Assert.That(searched, Is.LessThan(plain * (format == ElementFormat.Q8_0 ? 0.9999 : 0.99)));
    }

    [TestCaseSource(nameof(Fitted))]
    public void Errors_of_normal_values_are_those_of_the_format(ElementFormat format)
    {
        Random random = new(3);
        double error = 0, size = 0;
        for (int row = 0; row < 16; row++)
        {
            float[] x = Values(random, 0);
            error += Error(x, Ones(), Quantise(format, x, Ones(), searches: true));
            size += x.Sum(v => (double)v * v);
        }

        TestContext.Out.WriteLine($"{Math.Sqrt(error / size):F5}");
        Assert.That(Math.Sqrt(error / size), Is.LessThan(s_limits[format]));
    }

    /// <summary>Plain rounding written down once more, independently: what the search is compared with is not made worse than it is.</summary>
    [TestCase(ElementFormat.Q4_0, -8, 7)]
    [TestCase(ElementFormat.Q5_0, -16, 15)]
    [TestCase(ElementFormat.Q8_0, -127, 127)]
    public void Plain_rounding_is_the_usual_one(ElementFormat format, int least, int most)
    {
        float[] x = Values(new Random(5), 0), expected = new float[Cols];
        for (int block = 0; block < Cols; block += 32)
        {
            float[] values = x[block..(block + 32)];
            float extreme = values.MaxBy(MathF.Abs);
            float d = (float)(Half)(extreme / (format == ElementFormat.Q8_0 ? most : least));
            for (int i = 0; i < 32; i++)
            {
                expected[block + i] = d * Math.Clamp(MathF.Round(values[i] / d), least, most);
            }
        }

        Assert.That(Error(x, Ones(), Quantise(format, x, Ones(), searches: false)), Is.EqualTo(Error(x, Ones(), expected)).Within(1).Percent);
    }

    [TestCaseSource(nameof(Fitted))]
    public void Weights_shift_the_error_to_where_it_matters_less(ElementFormat format)
    {
        Random random = new(11);
        double weighted = 0, unweighted = 0;
        for (int row = 0; row < 24; row++)
        {
            float[] x = Values(random, 0);
            float[] w = [.. x.Select((_, i) => i % 7 == 0 ? 20f : 0.1f)];
            weighted += Error(x, w, Quantise(format, x, w, searches: true));
            unweighted += Error(x, w, Quantise(format, x, Ones(), searches: true));
        }

        Assert.That(weighted, Is.LessThan(unweighted));
    }

    [TestCaseSource(typeof(BlockQuantiser), nameof(BlockQuantiser.Formats))]
    public void Odd_values_stay_finite_and_near(ElementFormat format)
    {
        float[][] rows =
        [
            new float[Cols],
            [.. Enumerable.Repeat(1e-42f, Cols)],
            [.. Enumerable.Repeat(-1e-30f, Cols)],
            [.. Enumerable.Repeat(3f, Cols)],
            [.. Enumerable.Range(0, Cols).Select(i => i == 100 ? -6e4f : 0)],
            [.. Enumerable.Range(0, Cols).Select(i => i % 2 == 0 ? 1e-3f : -6e4f)],
        ];
        foreach (float[] x in rows)
        {
            float[] found = Quantise(format, x, Ones(), searches: true);
            float most = x.Max(MathF.Abs);
            Assert.That(found.Zip(x, (a, b) => Math.Abs(a - b)).Max(), Is.LessThanOrEqualTo((0.35 * most) + 1e-6), $"{format}: values up to {most}");
            Assert.That(most > 0 || found.All(v => v == 0));
        }
    }

    [TestCase(ElementFormat.F16)]
    [TestCase(ElementFormat.BF16)]
    public void Floats_round_to_nearest_even(ElementFormat format)
    {
        float[] x = Values(new Random(2), 1);
        float[] found = Quantise(format, x, Ones(), searches: true);
        for (int i = 0; i < x.Length; i++)
        {
            double step = Math.Pow(2, Math.Floor(Math.Log2(Math.Abs(x[i]))) - (format == ElementFormat.F16 ? 10 : 7));
            Assert.That(Math.Abs((double)found[i] - x[i]), Is.LessThanOrEqualTo(Math.Max(step, Math.Pow(2, -24)) / 2));
        }
    }

    [Test]
    public void Other_formats_are_refused() =>
        Assert.That(() => BlockQuantiser.Create(ElementFormat.IQ1_S), Throws.ArgumentException.With.Message.Contains("IQ1_S"));

    private static float[] Quantise(ElementFormat format, float[] x, float[] w, bool searches)
    {
        BlockQuantiser quantiser = BlockQuantiser.Create(format, searches);
        byte[] blocks = new byte[x.Length / quantiser.BlockElements * quantiser.BlockBytes];
        quantiser.Quantise(x, w, blocks);
        float[] found = new float[x.Length];
        Dequantizer.Dequantize((TensorFormat)format, blocks, found);
        return found;
    }

    private static double Error(float[] x, float[] w, float[] found) => x.Select((value, i) => w[i] * Math.Pow((double)value - found[i], 2)).Sum();

    private static float[] Ones() => [.. Enumerable.Repeat(1f, Cols)];

    // Normal; with outliers; all of one sign.
    private static float[] Values(Random random, int kind) =>
    [
        .. Enumerable.Range(0, Cols).Select(i =>
        {
            double normal = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
            return (float)(0.02 * (kind switch { 1 when i % 61 == 0 => 8 * normal, 2 => Math.Abs(normal) + 0.5, _ => normal }));
        }),
    ];
}
