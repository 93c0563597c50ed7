using Moesaic.Models.Checkpoints;
using Moesaic.Models.Checkpoints.Gguf;
using Moesaic.Models.Checkpoints.Safetensors;
using Moesaic.Models.Tests.Checkpoints.Gguf;

namespace Moesaic.Models.Tests.Encoder;

/// <summary>Writes a fixture of Hugging Face layout as the GGUF file that a converter would make of it.</summary>
internal static class BertGguf
{
    private static readonly (string From, string To)[] s_names =
    [
        ("embeddings.word_embeddings", "token_embd"), ("embeddings.position_embeddings", "position_embd"), ("embeddings.token_type_embeddings", "token_types"),
        ("embeddings.LayerNorm", "token_embd_norm"), ("encoder.layer.", "blk."), ("attention.self.query", "attn_q"), ("attention.self.key", "attn_k"),
        ("attention.self.value", "attn_v"), ("attention.output.dense", "attn_output"), ("attention.output.LayerNorm", "attn_output_norm"),
        ("intermediate.dense", "ffn_up"), ("output.dense", "ffn_down"), ("output.LayerNorm", "layer_output_norm"),
    ];

    /// <param name="folder">The fixture.</param>
    /// <param name="target">The file to write.</param>
    /// <param name="epsilon">Of its norms.</param>
    /// <param name="cutRows">First rows of the positions that the file does not get.</param>
    /// <param name="poolingType">As the format numbers them.</param>
    public static void Write(string folder, string target, float epsilon, int cutRows, uint poolingType = 1)
    {
        using SafetensorsFile source = SafetensorsFile.Open(Path.Combine(folder, "model.safetensors"));
        GgufBuilder builder = new();
        using MemoryStream data = new();
        foreach (CheckpointTensor tensor in source.Tensors.Where(t => !t.Name.StartsWith("pooler", StringComparison.Ordinal)))
        {
            byte[] bytes = new byte[tensor.ByteLength];
            tensor.CopyBytes(0, bytes);
            long[] shape = [.. tensor.Shape];
            if (tensor.Name.Contains("position_embeddings", StringComparison.Ordinal))
            {
                bytes = bytes[(int)(cutRows * (tensor.ByteLength / shape[0]))..];
                shape[0] -= cutRows;
            }

            data.SetLength((data.Length + 31) / 32 * 32);
            data.Position = data.Length;
            builder.Tensor(Rename(tensor.Name), (uint)tensor.Format, (ulong)data.Position, [.. shape.Reverse().Select(d => (ulong)d)]);
            data.Write(bytes);
        }

        builder.Data = data.ToArray();
        CheckpointTensor up = source.GetTensor("encoder.layer.0.intermediate.dense.weight");
        builder.Pair("general.architecture", "bert").Pair("bert.block_count", 3u).Pair("bert.embedding_length", (uint)up.Shape[1])
            .Pair("bert.feed_forward_length", (uint)up.Shape[0]).Pair("bert.attention.head_count", 4u).Pair("bert.context_length", 128u)
            .Pair("bert.attention.layer_norm_epsilon", epsilon).Pair("bert.pooling_type", poolingType)
            .Pair("bert.attention.causal", GgufValueType.Bool, w => w.Write((byte)0))
            .Pair("tokenizer.ggml.model", cutRows > 0 ? "t5" : "bert");
        File.WriteAllBytes(target, builder.Build());
    }

    private static string Rename(string name)
    {
        foreach ((string from, string to) in s_names)
        {
            name = name.Replace(from, to, StringComparison.Ordinal);
        }

        return name;
    }
}
