using Moesaic.Interop;
using Moesaic.Models.Decoder;

namespace Moesaic.Models.Tests.Decoder;

/// <summary>
/// How far fast arithmetic is from a reference. In models with experts the choices of a float32 run are replayed, as a
/// choice that flips on a near tie says nothing about the arithmetic; the share of choices that would differ is reported.
/// </summary>
internal static class FastPrecisionCheck
{
    private const double DenseTolerance = 1e-3;

    // Experts whose activations are rounded to int8, or a cache that is.
    private const double LooseTolerance = 3e-3;

    public static void Check(DecoderFixture fixture, int[][] ids, Func<float[][][], double> nmse, KvFormat format)
    {
        IReadOnlyList<Piece>[] steps = [.. SequenceRunner.Alone(ids, 512)];
        ExecutorOptions fast = DecoderFixture.Fast with { KvFormat = format, RecordExpertChoices = fixture.HasExperts };
        List<int[]> wanted = fixture.HasExperts ? Choices(fixture, DecoderFixture.Reference with { RecordExpertChoices = true }, ids, steps) : [];
        using DecoderExecutor executor = fixture.Executor(fast);
        SequenceRunner runner = new(executor, ids);
        if (fixture.HasExperts)
        {
            double differing = Differing(wanted, Choices(fixture, fast, ids, steps), executor.TopK);
            TestContext.Out.WriteLine($"share of tokens and layers whose experts differ: {differing:P2}");
            Assert.That(differing, Is.LessThan(0.2));
            int step = 0;
            runner.BeforeStep = (_, tokens) => executor.ForceExpertChoices(wanted[step++], tokens);
        }

        runner.Run(steps);
        double found = nmse(runner.Logits);
        TestContext.Out.WriteLine($"NMSE {found:E2} with {format} cache");
        Assert.That(found, Is.LessThanOrEqualTo(fixture.HasExperts || format == KvFormat.Int8 ? LooseTolerance : DenseTolerance));
        Assert.That(executor.Options.Precision, Is.EqualTo(Precision.Fast));
    }

    // For each step [layers, tokens, top k].
    private static List<int[]> Choices(DecoderFixture fixture, ExecutorOptions options, int[][] ids, IReadOnlyList<Piece>[] steps)
    {
        using DecoderExecutor executor = fixture.Executor(options);
        List<int[]> all = [];
        SequenceRunner runner = new(executor, ids)
        {
            AfterStep = (_, tokens) =>
            {
                int perLayer = tokens * executor.TopK;
                int[] step = new int[executor.NumMoeLayers * perLayer];
                for (int layer = 0; layer < executor.NumMoeLayers; layer++)
                {
                    executor.ReadExpertChoices(layer, step.AsSpan(layer * perLayer, perLayer));
                }

                all.Add(step);
            },
        };
        runner.Run(steps);
        return all;
    }

    // A token's experts count as a set: their order does not change the result's value.
    private static double Differing(List<int[]> a, List<int[]> b, int topK)
    {
        int differing = 0, total = 0;
        foreach ((int[] x, int[] y) in a.Zip(b))
        {
            foreach ((int[] chosen, int[] other) in x.Chunk(topK).Zip(y.Chunk(topK)))
            {
                total++;
                differing += chosen.Order().SequenceEqual(other.Order()) ? 0 : 1;
            }
        }

        return (double)differing / total;
    }
}
