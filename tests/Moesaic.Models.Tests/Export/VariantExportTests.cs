using System.Text.Json.Nodes;
using Moesaic.Models.Checkpoints;
using Moesaic.Models.Export;
using Moesaic.Models.Families;
using Moesaic.Models.Tests.Decoder;
using Moesaic.Models.Tests.Families;
using Moesaic.Models.Tests.Families.Reference;
using Moesaic.TestSupport;

namespace Moesaic.Models.Tests.Export;

/// <summary>
/// Options and sizes that the fixtures do not have, written as GGUF and run from there: the plain forward pass is met, also by the
/// multi-token-prediction layer, or the file is refused because the format cannot say it.
/// </summary>
public sealed class VariantExportTests
{
    // What the format has no key for: windows of these families, other activations, a rounded or unrounded blend, no experts at all.
    private static readonly string[] s_unsayable =
        ["layer_types\":[\"sliding", "\"full_attention\",\"sliding_attention\",\"full_attention\"", "max_window_layers", "use_sliding_window\":true", "swiglu", "hidden_act", "moe_layer_freq", "n_routed_experts\":\"null", "truncate", "decoder_sparse_step\":3", "num_local_experts\":0", "first_k_dense_replace\":4"];

    private static IEnumerable<TestCaseData> Variants() => VariantTests.Variants();

    [TestCaseSource(nameof(Variants))]
    public void Logits_are_the_plain_passes(string fixture, string edits)
    {
        JsonObject config = Variant.Config(fixture, edits);
        PlainWeights weights = new() { NormCentre = fixture == "gemma3" ? 0 : 1 };
        int[] ids = Variant.Ids(80, config["vocab_size"]!.GetValue<int>());
        (double[][] main, double[][] predicted) = new PlainModel(config, weights).Logits(ids);
        using TemporaryFolder folder = new();
        Variant.Save(folder.Path, config, weights);
        string path = folder.Combine("out.gguf");
        using (OpenedModel model = OpenedModel.Open(folder.Path))
        {
            try
            {
                GgufExporter.Write(model, path, new ExportOptions { Mix = QuantisationMix.All.Single(mix => mix.Format == ElementFormat.BF16), Threads = 2 });
            }
            catch (ModelFormatException e) when (e.Message.Contains("GGUF cannot say everything about this model", StringComparison.Ordinal))
            {
                TestContext.Out.WriteLine("refused: " + e.Message);
                Assert.That(s_unsayable.Any(option => edits.Contains(option, StringComparison.Ordinal)), edits);
                return;
            }
        }

        using OpenedModel written = OpenedModel.Open(path);
        (float[][][] found, float[][][] foundPredicted) = Variant.Logits(written.Description, written.Checkpoint, [ids]);
        double nmse = Variant.Nmse(found[0], main);
        TestContext.Out.WriteLine($"NMSE {nmse:E2}");
        Assert.That(nmse, Is.LessThanOrEqualTo(1e-9));
        Assert.That(written.Description.MtpLayers.Length, Is.EqualTo(config["num_nextn_predict_layers"]?.GetValue<int>() ?? 0));
        if (!written.Description.MtpLayers.IsEmpty)
        {
            Assert.That(Variant.Nmse(foundPredicted[0][..^1], predicted[..^1]), Is.LessThanOrEqualTo(1e-9), "multi-token prediction");
        }
    }
}
