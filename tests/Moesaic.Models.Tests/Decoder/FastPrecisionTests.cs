using Moesaic.Models.Decoder;
using Moesaic.TestSupport;

namespace Moesaic.Models.Tests.Decoder;

/// <summary>How far fast arithmetic is from the references of real models.</summary>
public sealed class FastPrecisionTests
{
    [Test]
    public void Embedded_model_stays_within_tolerance([Values] KvFormat format) => CheckReal("ling-wordnet-16m.Q8_0.gguf", "logits", format);

    [Test]
    public void SmolLM2_stays_within_tolerance([Values(KvFormat.BF16, KvFormat.Int8)] KvFormat format) => CheckReal("SmolLM2-135M-Instruct.Q4_1.gguf", "logits_at_positions", format);

    private static void CheckReal(string model, string tensor, KvFormat format)
    {
        string stem = model[..model.IndexOf('.', StringComparison.Ordinal)];
        using DecoderFixture fixture = new(TestPaths.Shared("models", model));
        using ReferenceFile reference = new(TestPaths.Shared("models", stem + ".reference.safetensors"));
        int[] positions = reference.Ids("positions")[0];
        FastPrecisionCheck.Check(fixture, reference.Ids(), rows => LogitsMeasure.Nmse(positions.Select(p => rows[0][p]), reference.Rows(tensor)), format);
    }
}
