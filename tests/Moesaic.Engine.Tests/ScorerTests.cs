using Moesaic.Interop;
using Moesaic.Models.Decoder;
using Moesaic.TestSupport;

namespace Moesaic.Engine.Tests;

public sealed class ScorerTests
{
    [Test]
    public void Log_probabilities_follow_from_the_logits_and_do_not_depend_on_neighbours([Values("qwen2", "ling_mtp")] string name)
    {
        using ModelRuntime runtime = ModelRuntime.Load(TestPaths.TestData("fixtures", name), new EngineOptions { Precision = Precision.Reference, KvFormat = KvFormat.F32, MaxContext = 700, LoadMtp = true });
        using Scorer scorer = runtime.CreateScorer();
        Random random = new(5);
        int[] lengths = [1, 40, 600, 3, 2, 650, 7, 64, 65];
        int[][] sequences = [.. lengths.Select(n => Enumerable.Range(0, n).Select(_ => random.Next(512)).ToArray())];
        SequenceScore[] together = scorer.Score(sequences);
        for (int s = 0; s < sequences.Length; s++)
        {
            Assert.That(together[s].Logprobs, Is.EqualTo(scorer.Score([sequences[s]])[0].Logprobs), $"sequence {s}");
        }

        double[] sums = new double[sequences.Length];
        scorer.Logits(sequences, (sequence, position, logits) =>
        {
            if (position + 1 < sequences[sequence].Length)
            {
                double max = logits[0];
                foreach (float value in logits)
                {
                    max = Math.Max(max, value);
                }

                double total = 0;
                foreach (float value in logits)
                {
                    total += Math.Exp(value - max);
                }

                sums[sequence] += logits[sequences[sequence][position + 1]] - max - Math.Log(total);
            }
        });
        for (int s = 0; s < sequences.Length; s++)
        {
            Assert.That(together[s].SumLogprob, Is.EqualTo(sums[s]).Within(1e-3 + (1e-6 * Math.Abs(sums[s]))));
        }
    }

    [Test]
    public void One_run_gives_scores_and_logits_of_both_kinds()
    {
        using ModelRuntime runtime = ModelRuntime.Load(TestPaths.TestData("fixtures", "ling_mtp"), new EngineOptions { LoadMtp = true, MaxContext = 64 });
        using Scorer scorer = runtime.CreateScorer(useMtp: true);
        int[][] sequences = [[1, 2, 3, 4], [5, 6, 7, 8]];
        (List<float[]> main, List<float[]> mtp) alone = ([], []);
        (List<float[]> main, List<float[]> mtp) together = ([], []);
        SequenceScore[] scores = scorer.Score(sequences);
        scorer.Logits(sequences, (_, _, logits) => alone.main.Add(logits.ToArray()), (_, _, logits) => alone.mtp.Add(logits.ToArray()));
        SequenceScore[] both = scorer.Score(
            sequences, (_, _, logits) => together.main.Add(logits.ToArray()), (_, _, logits) => together.mtp.Add(logits.ToArray()));
        Assert.That(both.Select(s => s.Logprobs), Is.EqualTo(scores.Select(s => s.Logprobs)));
        Assert.That(together.main, Is.EqualTo(alone.main).And.Count.EqualTo(8));
        Assert.That(together.mtp, Is.EqualTo(alone.mtp).And.Count.EqualTo(8));
    }

    [Test]
    public void Multi_token_prediction_hands_out_every_position()
    {
        using ModelRuntime runtime = ModelRuntime.Load(TestPaths.TestData("fixtures", "ling_mtp"), new EngineOptions { LoadMtp = true, MaxContext = 64 });
        using Scorer scorer = runtime.CreateScorer(useMtp: true);
        HashSet<(int, int)> seen = [];
        scorer.Logits([[1, 2, 3], [4, 5]], null, (sequence, position, logits) =>
        {
            Assert.That(logits.Length, Is.EqualTo(512));
            Assert.That(seen.Add((sequence, position)), Is.True);
        });
        Assert.That(seen, Has.Count.EqualTo(5));
        Assert.Throws<ContextExceededException>(() => scorer.Score([new int[65]]));
    }
}
