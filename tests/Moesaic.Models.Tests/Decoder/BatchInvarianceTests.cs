using Moesaic.Models.Decoder;
using Moesaic.TestSupport;

namespace Moesaic.Models.Tests.Decoder;

/// <summary>Logits are bit-identical alone, with neighbours, with any chunking of the prompt and with any number of threads.</summary>
public sealed class BatchInvarianceTests
{
    [Test]
    public void Logits_have_equal_bits_however_they_are_computed(
        [Values("llama31_scaled/model.gguf", "llama_yarn", "qwen2", "ling/model.gguf", "ling_mtp")] string name,
        [Values("reference", "fast", "fast-int8")] string mode)
    {
        string path = TestPaths.TestData(["fixtures", .. name.Split('/')]);
        ExecutorOptions options = mode switch
        {
            "reference" => DecoderFixture.Reference,
            "fast" => DecoderFixture.Fast,
            _ => DecoderFixture.Fast with { KvFormat = KvFormat.Int8 },
        };
        using ReferenceFile reference = new(TestPaths.TestData("fixtures", name.Split('/')[0], "reference.safetensors"));
        int[][] ids = [.. reference.Ids(), [.. reference.Ids()[0].Take(9)]];
        float[][][] whole = Run(path, options, ids, 1, SequenceRunner.Alone(ids, 512));
        foreach ((string what, int threads, IEnumerable<IReadOnlyList<Piece>> steps) in Schedules(ids))
        {
            float[][][] other = Run(path, options, ids, threads, steps);
            for (int s = 0; s < ids.Length; s++)
            {
                for (int t = 0; t < ids[s].Length; t++)
                {
                    Assert.That(other[s][t].AsSpan().SequenceEqual(whole[s][t]), Is.True, $"{what}: sequence {s}, position {t}");
                }
            }
        }
    }

    private static IEnumerable<(string What, int Threads, IEnumerable<IReadOnlyList<Piece>> Steps)> Schedules(int[][] ids) =>
    [
        ("two threads", 2, SequenceRunner.Alone(ids, 512)),
        ("one token a step", 1, SequenceRunner.Alone(ids, 1)),
        ("chunks of 7, two threads", 2, SequenceRunner.Alone(ids, 7)),
        ("chunks of 16", 1, SequenceRunner.Alone(ids, 16)),
        ("all together", 2, SequenceRunner.Together(ids, 512)),
        ("decode beside prefill", 2, SequenceRunner.Together(ids, 1, 16, 5)),
    ];

    private static float[][][] Run(string path, ExecutorOptions options, int[][] ids, int threads, IEnumerable<IReadOnlyList<Piece>> steps)
    {
        using DecoderFixture fixture = new(path, threads);
        using DecoderExecutor executor = fixture.Executor(options);
        SequenceRunner runner = new(executor, ids);
        runner.Run(steps);
        return runner.Logits;
    }
}
