using System.Collections.Immutable;
using Moesaic.Interop;
using Moesaic.Models.Decoder;
using Moesaic.Models.Tests.Decoder.Plain;

namespace Moesaic.Models.Tests.Decoder;

/// <summary>
/// Decoders whose experts take a bounded number of a sequence's choices, as GShard's and GLaM's do, against a plain forward
/// pass: every overflow rule, top 1 and top 2, alone and among other sequences, in one go and in steps.
/// </summary>
public sealed class ExpertCapacityTests
{
    private const int Hidden = 32;
    private const int Vocabulary = 50;
    private static readonly int[][] s_ids = [.. new[] { 41, 25, 60 }.Select((length, s) => Enumerable.Range(0, length).Select(i => ((i * 7) + (i * i * 3) + (s * 11)) % Vocabulary).ToArray())];

    public static IEnumerable<TestCaseData> Rules()
    {
        foreach (RouterOverflow overflow in new[] { RouterOverflow.Drop, RouterOverflow.NextBest, RouterOverflow.Reroute })
        {
            yield return new TestCaseData(1, new ExpertCapacity(overflow, 5));
            yield return new TestCaseData(2, new ExpertCapacity(overflow, 7));

            // GShard: room in proportion to the tokens, second choices after all first ones.
            yield return new TestCaseData(2, new ExpertCapacity(overflow, 4, 0.75f, RouterQueue.ByChoice));
        }
    }

    [TestCaseSource(nameof(Rules))]
    public void Logits_match_a_plain_forward_pass(int topK, ExpertCapacity capacity)
    {
        using Model model = new(topK, capacity);
        float[][][] whole = model.Run(SequenceRunner.Alone(s_ids, 512));
        for (int s = 0; s < s_ids.Length; s++)
        {
            PlainDecoder plain = new(model.Description, model.Checkpoint);
            AssertClose(whole[s], plain.Step(s_ids[s]), $"sequence {s}");
            Assert.That(plain.Routers.Sum(r => r?.Overflowed ?? 0), Is.GreaterThan(0), "nothing overflowed");
        }

        // In steps, counts go on; rules that look at a whole step see the same steps in the plain pass.
        float[][][] chunks = model.Run(SequenceRunner.Alone(s_ids, 17));
        PlainDecoder stepwise = new(model.Description, model.Checkpoint);
        AssertClose(chunks[0], [.. s_ids[0].Chunk(17).SelectMany(stepwise.Step)], "in steps");
    }

    [TestCaseSource(nameof(Rules))]
    public void Neighbours_do_not_matter_nor_chunks_where_the_rule_is_free_of_them(int topK, ExpertCapacity capacity)
    {
        using Model model = new(topK, capacity);
        float[][][] whole = model.Run(SequenceRunner.Alone(s_ids, 512));
        AssertSame(model.Run(SequenceRunner.Together(s_ids, 512)), whole, "among others");
        AssertSame(model.Run(SequenceRunner.Together(s_ids, 16)), model.Run(SequenceRunner.Alone(s_ids, 16)), "among others, in chunks");
        if (!capacity.DependsOnSteps(topK))
        {
            AssertSame(model.Run(SequenceRunner.Alone(s_ids, 1)), whole, "token by token");
            AssertSame(model.Run(SequenceRunner.Together(s_ids, 1, 16, 5)), whole, "decode beside prefill");
        }
    }

    [Test]
    public void A_sequence_begun_again_counts_from_none()
    {
        using Model model = new(1, new ExpertCapacity(RouterOverflow.Drop, 5));
        float[][][] once = model.Run(SequenceRunner.Alone(s_ids, 16));
        float[][][] again = model.Run([.. SequenceRunner.Alone([s_ids[0][..33]], 16), .. SequenceRunner.Alone(s_ids, 16)]);
        AssertSame(again, once, "after preemption");
    }

    [Test]
    public void Recorded_choices_can_be_replayed_with_those_that_were_dropped()
    {
        using Model model = new(2, new ExpertCapacity(RouterOverflow.Drop, 7));
        using DecoderExecutor executor = model.Executor(DecoderFixture.Reference with { RecordExpertChoices = true });
        int tokens = s_ids[0].Length;
        int[][] choices = [.. Enumerable.Range(0, executor.NumMoeLayers).Select(_ => new int[tokens * 2])];
        SequenceRunner first = new(executor, [s_ids[0]])
        {
            AfterStep = (_, _) =>
            {
                for (int l = 0; l < choices.Length; l++)
                {
                    executor.ReadExpertChoices(l, choices[l]);
                }
            },
        };
        first.Run(SequenceRunner.Alone([s_ids[0]], 512));
        Assert.That(choices.SelectMany(c => c), Has.Some.EqualTo(-1));
        SequenceRunner replayed = new(executor, [s_ids[0]]) { BeforeStep = (_, n) => executor.ForceExpertChoices([.. choices.SelectMany(c => c)], n) };
        replayed.Run(SequenceRunner.Alone([s_ids[0]], 512));
        AssertSame(replayed.Logits, first.Logits, "replayed");
    }

    private static void AssertClose(float[][] found, double[][] expected, string what)
    {
        double error = 0, energy = 0;
        for (int t = 0; t < expected.Length; t++)
        {
            for (int i = 0; i < Vocabulary; i++)
            {
                error += Math.Pow(found[t][i] - expected[t][i], 2);
                energy += Math.Pow(expected[t][i], 2);
            }
        }

        Assert.That(error / energy, Is.LessThan(1e-10), what);
    }

    private static void AssertSame(float[][][] found, float[][][] expected, string what)
    {
        for (int s = 0; s < expected.Length; s++)
        {
            for (int t = 0; t < expected[s].Length; t++)
            {
                Assert.That(found[s][t].AsSpan().SequenceEqual(expected[s][t]), Is.True, $"{what}: sequence {s}, position {t}");
            }
        }
    }

    /// <summary>Every other layer has experts, as in GShard and GLaM; weights are random.</summary>
    private sealed class Model : IDisposable
    {
        private readonly Device _device = Device.Open(new DeviceOptions { NumThreads = 2 });
        private readonly LoadedDecoder _decoder;

        public Model(int topK, ExpertCapacity capacity)
        {
            Description = Describe(topK, capacity);
            Random random = new(5);
            foreach (MatrixSlice slice in DecoderTensors.Matrices(Description, includeMtp: false).SelectMany(m => m.Slices))
            {
                int cols = (int)slice.TensorShape[^1];
                float[] values = new float[slice.TensorShape.Aggregate(1L, (a, b) => a * b)];
                for (int i = 0; i < values.Length; i++)
                {
                    values[i] = (float)(((2 * random.NextDouble()) - 1) * 1.7 / Math.Sqrt(cols));
                }

                Checkpoint.Set(slice.Tensor, slice.TensorShape, values);
            }

            foreach (VectorSource vector in DecoderTensors.Vectors(Description, includeMtp: false))
            {
                Checkpoint.Set(vector.Tensor, vector.TensorShape, [.. Enumerable.Range(0, (int)vector.Length).Select(_ => 0.5f + random.NextSingle())]);
            }

            _decoder = DecoderLoader.Load(_device, LoadPlan.Create(Description, Checkpoint));
        }

        public DecoderDescription Description { get; }

        public EditedCheckpoint Checkpoint { get; } = new();

        public DecoderExecutor Executor(ExecutorOptions options) => new(_decoder, options with
        {
            MaxContext = 128,
            MaxTokens = 512,
            MaxLogitRows = 512,
            MaxSequences = 8,
            PageTokens = 16,
        });

        public float[][][] Run(IEnumerable<IReadOnlyList<Piece>> steps)
        {
            using DecoderExecutor executor = Executor(DecoderFixture.Reference);
            SequenceRunner runner = new(executor, s_ids);
            runner.Run(steps);
            return runner.Logits;
        }

        public void Dispose()
        {
            _decoder.Dispose();
            _device.Dispose();
            Checkpoint.Dispose();
        }

        private static DecoderDescription Describe(int topK, ExpertCapacity capacity)
        {
            const int Experts = 8, Width = 24, Heads = 4, HeadWidth = 8;
            ImmutableArray<LayerDescription> layers =
            [
                .. Enumerable.Range(0, 4).Select(l => new LayerDescription
                {
                    AttentionNorm = new NormDescription(VectorSource.Whole($"{l}.norm1", Hidden), 1e-6f),
                    Attention = new AttentionDescription
                    {
                        NumHeads = Heads,
                        NumKeyValueHeads = 2,
                        KeyWidth = HeadWidth,
                        ValueWidth = HeadWidth,
                        Scale = 0.35f,
                        Rope = -1,
                        Input = [Dense($"{l}.q", Heads * HeadWidth, Hidden), Dense($"{l}.k", 2 * HeadWidth, Hidden), Dense($"{l}.v", 2 * HeadWidth, Hidden)],
                        Output = Dense($"{l}.o", Hidden, Heads * HeadWidth),
                    },
                    FeedForwardNorm = new NormDescription(VectorSource.Whole($"{l}.norm2", Hidden), 1e-6f),
                    FeedForward = l % 2 == 0
                        ? new MlpDescription { Activation = FeedForwardActivation.GeluTanh, Gate = Dense($"{l}.gate", Width, Hidden), Up = Dense($"{l}.up", Width, Hidden), Down = Dense($"{l}.down", Hidden, Width) }
                        : new MoeDescription
                        {
                            Activation = FeedForwardActivation.GeluTanh,
                            Router = new RouterDescription
                            {
                                Weight = MatrixSource.Whole($"{l}.router", Experts, Hidden),
                                Score = RouterScore.Softmax,
                                TopK = topK,
                                Normalise = topK > 1,
                                Capacity = capacity,
                            },
                            Gate = MatrixSource.PerExpert(e => $"{l}.{e}.gate", Experts, Width, Hidden),
                            Up = MatrixSource.PerExpert(e => $"{l}.{e}.up", Experts, Width, Hidden),
                            Down = MatrixSource.PerExpert(e => $"{l}.{e}.down", Experts, Hidden, Width),
                        },
                }),
            ];
            return new DecoderDescription
            {
                Family = "GShard",
                Architecture = "test",
                HiddenSize = Hidden,
                VocabularySize = Vocabulary,
                ContextLength = 256,
                Embedding = MatrixSource.Whole("embedding", Vocabulary, Hidden),
                Layers = layers,
                Ropes = [],
                OutputNorm = new NormDescription(VectorSource.Whole("norm", Hidden), 1e-6f),
            };
        }

        private static ProjectionDescription Dense(string name, int rows, int cols) => new(MatrixSource.Whole(name, rows, cols));
    }
}
