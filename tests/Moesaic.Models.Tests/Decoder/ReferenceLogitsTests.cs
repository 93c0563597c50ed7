using Moesaic.Interop;
using Moesaic.Models.Decoder;
using Moesaic.TestSupport;

namespace Moesaic.Models.Tests.Decoder;

/// <summary>Logits of real models and of the multi-token-prediction layer against the references, in float32.</summary>
public sealed class ReferenceLogitsTests
{
    private const double Tolerance = 1e-6;

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
