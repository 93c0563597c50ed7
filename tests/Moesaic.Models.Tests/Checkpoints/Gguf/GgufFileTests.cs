using System.Runtime.InteropServices;
using Moesaic.Models.Checkpoints;
using Moesaic.Models.Checkpoints.Gguf;
using Moesaic.TestSupport;

namespace Moesaic.Models.Tests.Checkpoints.Gguf;

/// <summary>Files written by other programs are read whole: metadata, directory and data.</summary>
public sealed class GgufFileTests
{
    [Test]
    public void Converted_checkpoint_is_read()
    {
        using GgufFile file = GgufFile.Open(TestPaths.Shared("fixtures_gguf", "ling.gguf"));

        Assert.That(file.Metadata.Architecture, Is.EqualTo("bailingmoe2"));
        Assert.That(file.Metadata.GetUInt32("bailingmoe2.block_count"), Is.EqualTo(4));
        Assert.That(file.Metadata.GetSingle("bailingmoe2.expert_weights_scale"), Is.EqualTo(2.5f));
        Assert.That(file.Metadata.GetStringTable("tokenizer.ggml.tokens"), Has.Count.EqualTo(512));
        CheckpointTensor embedding = file.GetTensor("token_embd.weight");
        Assert.That(embedding.Format, Is.EqualTo(ElementFormat.BF16));
        Assert.That(embedding.Shape, Is.EqualTo(new long[] { 512, 64 }));
        Assert.That(file.GetTensor("blk.1.ffn_gate_exps.weight").Shape, Is.EqualTo(new long[] { 16, 48, 64 }));
    }

    [Test]
    public void Every_block_type_has_the_right_size_and_bytes_in_place()
    {
        using GgufFile file = GgufFile.Open(TestPaths.Shared("fixtures_quantised", "gguf_blocks", "blocks.gguf"));

        Assert.That(file.Tensors, Is.Not.Empty);
        Assert.That(file.Tensors.Select(t => t.HasKnownLayout), Is.All.True);
        Assert.That(file.Tensors.Select(t => t.Shape), Is.All.EqualTo(new long[] { 8, 512 }));
    }

    [Test]
    public void Data_is_reached_through_the_mapping()
    {
        using GgufFile file = GgufFile.Open(TestPaths.Shared("fixtures_gguf", "llama.gguf"));
        CheckpointTensor norm = file.GetTensor("output_norm.weight");
        float[] values = new float[norm.ElementCount];

        norm.CopyBytes(0, MemoryMarshal.AsBytes(values.AsSpan()));

        Assert.That(norm.Format, Is.EqualTo(ElementFormat.F32));
        Assert.That(values, Is.All.InRange(0.5f, 1.5f));
    }
}
