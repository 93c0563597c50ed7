using Moesaic.Engine.Benchmarking;
using Moesaic.Interop;
using Moesaic.Models;
using Moesaic.Models.Decoder;
using Moesaic.TestSupport;

namespace Moesaic.Engine.Tests;

/// <summary>Outputs of an encoder-decoder after their inputs; that nothing else takes such a model.</summary>
internal sealed class EncoderDecoderScorerTests
{
    private string _folder = "";
    private ModelRuntime _runtime = null!;

    private static EngineOptions Options => new()
    {
        Device = new DeviceOptions { NumThreads = 2 },
        Precision = Precision.Reference,
        KvFormat = KvFormat.F32,
        Accept = static _ => { },
    };

    [OneTimeSetUp]
    public void Load()
    {
        _folder = SmallEncoderDecoder.Write(Directory.CreateTempSubdirectory("moesaic-test-").FullName);
        _runtime = ModelRuntime.Load(_folder, Options);
    }

    [OneTimeTearDown]
    public void Unload()
    {
        _runtime.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Test]
    public void Log_probabilities_follow_from_the_logits_and_do_not_depend_on_neighbours()
    {
        int[][] inputs = [.. Rows(1, 40, 1, 3, 650)];
        int[][] outputs = [.. Rows(2, 20, 2, 1, 5)];
        using EncoderDecoderScorer scorer = _runtime.CreateEncoderDecoderScorer();
        List<(int Sequence, int Position)> seen = [];
        double[][] expected = [.. outputs.Select(o => new double[o.Length - 1])];
        SequenceScore[] together = scorer.Score(inputs, outputs, (sequence, position, logits) =>
        {
            seen.Add((sequence, position));
            if (position + 1 < outputs[sequence].Length)
            {
                double total = 0;
                foreach (float value in logits)
                {
                    total += Math.Exp(value);
                }

                expected[sequence][position] = logits[outputs[sequence][position + 1]] - Math.Log(total);
            }
        });
        Assert.That(seen, Is.EqualTo(outputs.SelectMany((o, s) => o.Select((_, t) => (s, t)))), "every position once, in order");
        for (int s = 0; s < inputs.Length; s++)
        {
            Assert.That(together[s].Logprobs.Select(p => (double)p), Is.EqualTo(expected[s]).Within(1e-4), $"sequence {s}");
            Assert.That(scorer.Score([inputs[s]], [outputs[s]])[0].Logprobs, Is.EqualTo(together[s].Logprobs), $"sequence {s}");
        }

        Assert.That(scorer.Score([inputs[1]], [outputs[0]])[0].Logprobs, Is.Not.EqualTo(together[0].Logprobs), "the input counts");
    }

    /// <summary>More tokens than a step of the scorer takes: the bits are those of one step over all.</summary>
    [Test]
    public void A_long_output_comes_in_steps()
    {
        int[] input = Rows(3, 30).Single(), output = Rows(4, 600).Single();
        List<float[]> rows = [];
        using EncoderDecoderScorer scorer = _runtime.CreateEncoderDecoderScorer(input.Length, output.Length);
        SequenceScore score = scorer.Score([input], [output], (_, _, logits) => rows.Add(logits.ToArray()))[0];
        using EncoderDecoderExecutor whole = new(
            _runtime.Decoder, new EncoderDecoderOptions { Precision = Precision.Reference, KvFormat = KvFormat.F32, MaxInputTokens = 30, MaxOutputTokens = 600, AllLogits = true });
        whole.Encode(input);
        whole.Decode(output);
        float[] all = new float[600 * SmallEncoderDecoder.Vocabulary];
        whole.Logits.Buffer!.Download<float>(whole.Stream, whole.Logits.OffsetBytes, all);
        Assert.That(StepLogits.TokensPerStep(SmallEncoderDecoder.Vocabulary), Is.LessThan(600));
        Assert.That(rows.SelectMany(r => r), Is.EqualTo(all));
        for (int t = 0; t + 1 < output.Length; t++)
        {
            double expected = rows[t][output[t + 1]] - Math.Log(rows[t].Sum(v => Math.Exp(v)));
            Assert.That(score.Logprobs[t], Is.EqualTo(expected).Within(1e-4), $"position {t}");
        }
    }

    [Test]
    public void Fast_precision_scores_too()
    {
        using ModelRuntime fast = ModelRuntime.Load(_folder, Options with { Precision = Precision.Fast, KvFormat = KvFormat.BF16 });
        using EncoderDecoderScorer scorer = fast.CreateEncoderDecoderScorer();
        using EncoderDecoderScorer reference = _runtime.CreateEncoderDecoderScorer();

        // Few enough tokens that no expert overflows, so that a choice that flips moves nobody else's.
        int[][] inputs = [.. Rows(5, 6)], outputs = [.. Rows(6, 5)];
        Assert.That(scorer.Score(inputs, outputs)[0].SumLogprob, Is.EqualTo(reference.Score(inputs, outputs)[0].SumLogprob).Within(5).Percent);
    }

    [Test]
    public void What_cannot_be_scored_is_told_by_number()
    {
        using EncoderDecoderScorer scorer = _runtime.CreateEncoderDecoderScorer(4, 3);
        Assert.That((scorer.MaxInputTokens, scorer.MaxOutputTokens), Is.EqualTo((4, 3)));
        Assert.That(() => scorer.Score([[1], [2]], [[3]]), Throws.ArgumentException.With.Message.Contains("2 inputs and 1 outputs"));
        Assert.That(() => scorer.Score([[1], []], [[3], [3]]), Throws.ArgumentException.With.Message.Contains("Input 1 has no tokens"));
        Assert.That(() => scorer.Score([[1], [2]], [[3], []]), Throws.ArgumentException.With.Message.Contains("Output 1 has no tokens"));
        Assert.That(() => scorer.Score([[24]], [[3]]), Throws.ArgumentException.With.Message.Contains("Input 0 holds the id 24; expected 0 to 23"));
        Assert.That(() => scorer.Score([[1]], [[3, -1]]), Throws.ArgumentException.With.Message.Contains("Output 0 holds the id -1"));
        Assert.That(() => scorer.Score([new int[5]], [[3]]), Throws.TypeOf<ContextExceededException>());
        Assert.That(() => scorer.Score([[1]], [new int[4]]), Throws.TypeOf<ContextExceededException>());
        Assert.That(() => scorer.Score([[1]], [[3]], null, new CancellationToken(canceled: true)), Throws.InstanceOf<OperationCanceledException>());
        Assert.That(scorer.Score([[1]], [[3]])[0].Logprobs, Is.Empty);
        Assert.That(() => _runtime.CreateEncoderDecoderScorer(SmallEncoderDecoder.MaxContext + 1), Throws.InstanceOf<ArgumentException>());
        Assert.That(() => _runtime.CreateEncoderDecoderScorer(0), Throws.InstanceOf<ArgumentException>());
    }

    [Test]
    public void Whoever_does_not_ask_for_an_encoder_decoder_gets_none()
    {
        Assert.That(() => ModelRuntime.Load(_folder, Options with { Accept = null }), Refused);
        Assert.That(() => BenchmarkModel.Load(_folder, new DeviceOptions()), Refused);
        Assert.That(() => _runtime.CreateSession(), Throws.TypeOf<NotSupportedException>().With.Message.Contains("encoder-decoder"));
        Assert.That(() => new InferenceEngine(_runtime), Throws.TypeOf<NotSupportedException>().With.Message.Contains("encoder-decoder"));
    }

    [Test]
    public void A_decoder_alone_has_no_such_scorer()
    {
        using ModelRuntime decoder = ModelRuntime.Load(TestPaths.TestData("fixtures", "qwen2"));
        Assert.That(() => decoder.CreateEncoderDecoderScorer(), Throws.ArgumentException.With.Message.Contains("has no encoder"));
    }

    [Test]
    public void Models_are_looked_at_before_their_weights_are_read()
    {
        int loaded = 0;
        EngineOptions options = Options with
        {
            Progress = _ => loaded++,
            Accept = model => throw new InvalidOperationException(model.Family),
        };
        Assert.That(() => ModelRuntime.Load(_folder, options), Throws.InvalidOperationException.With.Message.EqualTo("Switch Transformer"));
        Assert.That(loaded, Is.Zero);
    }

    private static NUnit.Framework.Constraints.IResolveConstraint Refused =>
        Throws.TypeOf<ModelFormatException>().With.Message.Contains("is an encoder-decoder (Switch Transformer)").And.Message.Contains("config.json: architectures");

    private static IEnumerable<int[]> Rows(int seed, params int[] lengths)
    {
        Random random = new(seed);
        return [.. lengths.Select(n => Enumerable.Range(0, n).Select(_ => random.Next(SmallEncoderDecoder.Vocabulary)).ToArray())];
    }
}
