using Moesaic.Interop;
using Moesaic.Models.Decoder;
using Moesaic.TestSupport;

namespace Moesaic.Models.Tests.Decoder;

/// <summary>Logits and greedy tokens against the references, in float32.</summary>
public sealed class ReferenceLogitsTests
{
    private const double Tolerance = 1e-6;

    private static readonly string[] s_dense = ["llama", "llama31_scaled", "llama_yarn", "mistral", "qwen2", "qwen3"];

    private static readonly string[] s_moe = ["mixtral", "ling", "ling_mtp", "ling_yarn"];

    private static IEnumerable<string> All => [.. s_dense, .. s_moe];

    private static IEnumerable<string> Gguf => All.Except(["llama_yarn", "mistral"]);

    [TestCaseSource(nameof(All))]
    public void Hugging_Face_logits_match(string name) => CheckLogits(name, TestPaths.Shared("fixtures", name));

    [TestCaseSource(nameof(Gguf))]
    public void Gguf_logits_match(string name) => CheckLogits(name, TestPaths.Shared("fixtures_gguf", name + ".gguf"));

    [TestCaseSource(nameof(All))]
    public void Greedy_tokens_are_identical(string name)
    {
        using DecoderFixture fixture = new(TestPaths.Shared("fixtures", name));
        using ReferenceFile reference = new(TestPaths.Shared("fixtures", name, "reference.safetensors"));
        int[][] greedy = reference.Ids("greedy_ids");
        int prompt = reference.Number("greedy_prompt_length");
        using DecoderExecutor executor = fixture.Executor(DecoderFixture.Reference);
        SequenceRunner runner = new(executor, greedy);
        runner.Run(SequenceRunner.Alone(greedy, 512));
        for (int s = 0; s < greedy.Length; s++)
        {
            int[] found = [.. Enumerable.Range(prompt, greedy[s].Length - prompt).Select(i => LogitsMeasure.Argmax(runner.Logits[s][i - 1]))];
            Assert.That(found, Is.EqualTo(greedy[s][prompt..]), $"sequence {s}");
        }
    }

    [Test]
    public void Multi_token_prediction_matches([Values("fixtures/ling_mtp", "fixtures_gguf/ling_mtp.gguf")] string path)
    {
        using DecoderFixture fixture = new(TestPaths.Shared(path));
        using ReferenceFile reference = new(TestPaths.Shared("fixtures", "ling_mtp", "reference.safetensors"));
        int[][] ids = reference.Ids();
        using DecoderExecutor executor = fixture.Executor(DecoderFixture.Reference with { UseMtp = true });
        SequenceRunner runner = new(executor, ids);
        runner.Run(SequenceRunner.Together(ids, 7, 16), mtp: true);
        float[][][] expected = [.. reference.Rows("mtp_logits").Chunk(ids[0].Length)];
        double nmse = LogitsMeasure.Nmse(runner.MtpLogits.SelectMany(s => s[..^1]), expected.SelectMany(s => s[..^1]));
        TestContext.Out.WriteLine($"NMSE {nmse:E2}");
        Assert.That(nmse, Is.LessThanOrEqualTo(Tolerance));
        Assert.That(LogitsMeasure.Nmse(runner.Logits.SelectMany(s => s), reference.Rows()), Is.LessThanOrEqualTo(Tolerance));
    }

    [Test]
    public void SmolLM2_logits_match()
    {
        using ReferenceFile reference = new(TestPaths.Shared("models", "SmolLM2-135M-Instruct.reference.safetensors"));
        CheckPositions("SmolLM2-135M-Instruct.Q4_1.gguf", reference, "logits_at_positions");
    }

    [Test]
    public void Embedded_model_logits_match()
    {
        using ReferenceFile reference = new(TestPaths.Shared("models", "ling-wordnet-16m.reference.safetensors"));
        CheckPositions("ling-wordnet-16m.Q8_0.gguf", reference, "logits");
    }

    private static void CheckLogits(string name, string path)
    {
        using DecoderFixture fixture = new(path);
        using ReferenceFile reference = new(TestPaths.Shared("fixtures", name, "reference.safetensors"));
        int[][] ids = reference.Ids();
        using DecoderExecutor executor = fixture.Executor(DecoderFixture.Reference);
        SequenceRunner runner = new(executor, ids);
        runner.Run(SequenceRunner.Alone(ids, 512));
        double nmse = LogitsMeasure.Nmse(runner.Logits.SelectMany(s => s), reference.Rows());
        TestContext.Out.WriteLine($"NMSE {nmse:E2}");
        Assert.That(nmse, Is.LessThanOrEqualTo(Tolerance));
    }

    private static void CheckPositions(string model, ReferenceFile reference, string name)
    {
        using DecoderFixture fixture = new(TestPaths.Shared("models", model));
        int[][] ids = reference.Ids();
        int[] positions = reference.Ids("positions")[0];
        using DecoderExecutor executor = fixture.Executor(DecoderFixture.Reference);
        SequenceRunner runner = new(executor, ids);
        runner.Run(SequenceRunner.Alone(ids, 64));
        double nmse = LogitsMeasure.Nmse(positions.Select(p => runner.Logits[0][p]), reference.Rows(name));
        TestContext.Out.WriteLine($"NMSE {nmse:E2}");
        Assert.That(nmse, Is.LessThanOrEqualTo(Tolerance));
    }
}
