using Moesaic.Models.Checkpoints;
using Moesaic.Models.Checkpoints.Gguf;
using Moesaic.Models.Decoder;
using Moesaic.Models.Export;
using Moesaic.Models.Families;
using Moesaic.Models.Tests.Decoder;
using Moesaic.TestSupport;

namespace Moesaic.Models.Tests.Export;

/// <summary>A real model in several files gives the bits of the same model in one.</summary>
public sealed class SplitModelTests
{
    [TestCase(2)]
    [TestCase(5)]
    public void Logits_do_not_depend_on_the_number_of_files(int parts)
    {
        using TemporaryFolder folder = new();
        string whole = folder.Combine("whole.gguf");
        using (OpenedModel model = OpenedModel.Open(TestPaths.TestData("fixtures", "qwen2")))
        {
            GgufExporter.Write(model, whole, new ExportOptions { Mix = QuantisationMix.All.Single(m => m.Name == "q5_0") });
            Split(model, whole, folder.Path, parts);
        }

        float[][] expected = Logits(whole);
        foreach (int named in new[] { 1, parts })
        {
            float[][] found = Logits(folder.Combine($"part-{named:d5}-of-{parts:d5}.gguf"));
            Assert.That(found, Is.EqualTo(expected));
        }
    }

    private static float[][] Logits(string path)
    {
        using DecoderFixture fixture = new(path);
        int[][] ids = [[1, 5, 9, 100, 200, 300, 17]];
        using DecoderExecutor executor = fixture.Executor(DecoderFixture.Fast);
        SequenceRunner runner = new(executor, ids);
        runner.Run(SequenceRunner.Alone(ids, 512));
        return runner.Logits[0];
    }

    // Tensors go to the parts in turn; the first part has all metadata.
    private static void Split(OpenedModel model, string whole, string folder, int parts)
    {
        using GgufFile file = GgufFile.Open(whole);
        for (int part = 0; part < parts; part++)
        {
            GgufPairs pairs = new();
            if (part == 0)
            {
                new DecoderSource(model).AddMetadata(pairs, 8);
            }

            pairs.Add("split.no", part);
            pairs.Add("split.count", parts);
            pairs.Add("split.tensors.count", file.Tensors.Count);
            CheckpointTensor[] tensors = [.. file.Tensors.Where((_, i) => i % parts == part)];
            using GgufWriter writer = new(Path.Combine(folder, $"part-{part + 1:d5}-of-{parts:d5}.gguf"), pairs, [.. tensors.Select(t => new GgufTensorSpec(t.Name, t.Format, t.Shape))]);
            for (int i = 0; i < tensors.Length; i++)
            {
                byte[] bytes = new byte[tensors[i].ByteLength];
                tensors[i].CopyBytes(0, bytes);
                writer.Write(i, 0, bytes);
            }

            writer.Complete(overwrite: false);
        }
    }
}
