using Moesaic.Models.Checkpoints.Gguf;
using Moesaic.Models.Configurations;
using Moesaic.Models.Tests.Checkpoints.Gguf;

namespace Moesaic.Models.Tests.Configurations;

/// <summary>Hyper-parameters of a GGUF file are read by their short keys and tracked like those of config.json.</summary>
public sealed class GgufConfigTests
{
    [Test]
    public void Keys_are_prefixed_and_tracked()
    {
        GgufConfig config = new(new GgufBuilder()
            .Pair("general.architecture", "llama")
            .Pair("llama.block_count", 2u)
            .Pair("llama.attention.head_count_kv", GgufValueType.Array, w =>
            {
                w.Write((uint)GgufValueType.UInt32);
                w.Write(2UL);
                w.Write(4u);
                w.Write(8u);
            })
            .Pair("llama.new_option", 3u)
            .Pair("tokenizer.ggml.model", "gpt2")
            .Parse().Metadata);

        Assert.That(config.GetInt32("block_count"), Is.EqualTo(2));
        Assert.That(config.TryGetInt32PerLayer("attention.head_count_kv", 2, out int[]? perLayer) && perLayer.SequenceEqual([4, 8]));
        Assert.That(config.TryGetInt32PerLayer("block_count", 3, out perLayer) && perLayer.SequenceEqual([2, 2, 2]));
        Assert.That(() => config.TryGetInt32PerLayer("attention.head_count_kv", 3, out _), Throws.TypeOf<ModelFormatException>().With.Message.Contains("2 elements, the model 3 layers"));
        Assert.That(config.RequireAllRead, Throws.TypeOf<ModelFormatException>().With.Message
            .EqualTo("model.gguf: llama.new_option: this option (u32 3) is not supported."));
        Assert.That(() => config.GetInt32("vocab_size"), Throws.TypeOf<ModelFormatException>().With.Message.EqualTo("model.gguf: llama.vocab_size: this key is missing; expected an integer."));
    }
}
