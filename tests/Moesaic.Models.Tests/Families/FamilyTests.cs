using Moesaic.Models.Decoder;
using Moesaic.Models.Tests.Decoder;
using Moesaic.TestSupport;

namespace Moesaic.Models.Tests.Families;

/// <summary>
/// What every decoder family has to prove for each of its fixtures; a family's own class derives from this, names its
/// fixtures with <c>[TestFixture("name", Containers.Both)]</c> and adds what is special about it.
/// </summary>
public abstract class FamilyTests(string name, Containers containers)
{
    /// <summary>Largest normalised mean-square error of logits at reference precision.</summary>
    protected const double Tolerance = 1e-6;

    /// <summary>Name of the fixture.</summary>
    protected string Name { get; } = name;

    /// <summary>The fixture in each of its containers; without the full reference sets those that every clone has, if any.</summary>
    protected IEnumerable<string> Checkpoints
    {
        get
        {
            (Containers Kind, string Core, string[] Full)[] places =
            [
                (Containers.HuggingFace, TestPaths.TestData("fixtures", Name, "model.safetensors"), ["fixtures", Name]),
                (Containers.Gguf, TestPaths.TestData("fixtures", Name, "model.gguf"), ["fixtures_gguf", Name + ".gguf"]),
            ];
            string[] core = [.. places.Where(p => containers.HasFlag(p.Kind) && File.Exists(p.Core)).Select(p => p.Kind == Containers.HuggingFace ? Path.GetDirectoryName(p.Core)! : p.Core)];
            return TestPaths.HasShared || core.Length == 0 ? places.Where(p => containers.HasFlag(p.Kind)).Select(p => TestPaths.Shared(p.Full)) : core;
        }
    }

    /// <summary>The reference results.</summary>
    private protected ReferenceFile OpenReference()
    {
        string core = TestPaths.TestData("fixtures", Name, "reference.safetensors");
        return new ReferenceFile(File.Exists(core) ? core : TestPaths.Shared("fixtures", Name, "reference.safetensors"));
    }

    [Test]
    public void Tensors_match_the_description() => Each(DescriptionCheck.Check);

    [Test]
    public void Logits_match_the_reference() => Each(path =>
    {
        using DecoderFixture fixture = new(path);
        using ReferenceFile reference = OpenReference();
        int[][] ids = reference.Ids();
        double nmse = LogitsMeasure.Nmse(Run(fixture, DecoderFixture.Reference, ids, SequenceRunner.Alone(ids, 512)).SelectMany(s => s), reference.Rows());
        TestContext.Out.WriteLine($"NMSE {nmse:E2}");
        Assert.That(nmse, Is.LessThanOrEqualTo(Tolerance));
    });

    [Test]
    public void Greedy_tokens_are_identical() => Each(path =>
    {
        using DecoderFixture fixture = new(path);
        using ReferenceFile reference = OpenReference();
        int[][] greedy = reference.Ids("greedy_ids");
        int prompt = reference.Number("greedy_prompt_length");
        float[][][] logits = Run(fixture, DecoderFixture.Reference, greedy, SequenceRunner.Alone(greedy, 512));
        for (int s = 0; s < greedy.Length; s++)
        {
            int[] found = [.. Enumerable.Range(prompt, greedy[s].Length - prompt).Select(i => LogitsMeasure.Argmax(logits[s][i - 1]))];
            Assert.That(found, Is.EqualTo(greedy[s][prompt..]), $"sequence {s}");
        }
    });

    [Test]
    public void Fast_precision_stays_within_tolerance() => Each(path =>
    {
        using DecoderFixture fixture = new(path);
        using ReferenceFile reference = OpenReference();
        FastPrecisionCheck.Check(fixture, reference.Ids(), rows => LogitsMeasure.Nmse(rows.SelectMany(s => s), reference.Rows()), KvFormat.BF16);
    });

    /// <summary>Alone, with neighbours, token by token, in chunks of any size, with any number of threads.</summary>
    [Test]
    public void Logits_have_equal_bits_however_they_are_computed([Values("reference", "fast", "fast-int8")] string mode) => Each(path =>
    {
        ExecutorOptions options = mode switch
        {
            "reference" => DecoderFixture.Reference,
            "fast" => DecoderFixture.Fast,
            _ => DecoderFixture.Fast with { KvFormat = KvFormat.Int8 },
        };
        using ReferenceFile reference = OpenReference();
        int[][] ids = [.. reference.Ids(), [.. reference.Ids()[0].Take(9)]];
        using DecoderFixture one = new(path, 1);
        using DecoderFixture two = new(path, 2);
        float[][][] whole = Run(one, options, ids, SequenceRunner.Alone(ids, 512));
        foreach ((string what, DecoderFixture fixture, IEnumerable<IReadOnlyList<Piece>> steps) in new (string, DecoderFixture, IEnumerable<IReadOnlyList<Piece>>)[]
        {
            ("two threads", two, SequenceRunner.Alone(ids, 512)),
            ("one token a step", one, SequenceRunner.Alone(ids, 1)),
            ("chunks of 7, two threads", two, SequenceRunner.Alone(ids, 7)),
            ("chunks of 16", one, SequenceRunner.Alone(ids, 16)),
            ("all together", two, SequenceRunner.Together(ids, 512)),
            ("decode beside prefill", two, SequenceRunner.Together(ids, 1, 16, 5)),
        })
        {
            float[][][] other = Run(fixture, options, ids, steps);
            for (int s = 0; s < ids.Length; s++)
            {
                for (int t = 0; t < ids[s].Length; t++)
                {
                    Assert.That(other[s][t].AsSpan().SequenceEqual(whole[s][t]), Is.True, $"{what}: sequence {s}, position {t}");
                }
            }
        }
    });

    /// <summary>Logits by sequence and position.</summary>
    private protected static float[][][] Run(DecoderFixture fixture, ExecutorOptions options, int[][] ids, IEnumerable<IReadOnlyList<Piece>> steps)
    {
        using DecoderExecutor executor = fixture.Executor(options);
        SequenceRunner runner = new(executor, ids);
        runner.Run(steps);
        return runner.Logits;
    }

    /// <summary>Runs a check for each container, so that a failure in one does not hide another's.</summary>
    protected void Each(Action<string> check)
    {
        ArgumentNullException.ThrowIfNull(check);
        Assert.Multiple(() =>
        {
            foreach (string path in Checkpoints)
            {
                TestContext.Out.WriteLine(path);
                check(path);
            }
        });
    }
}
