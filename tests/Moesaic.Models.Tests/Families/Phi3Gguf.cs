using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Moesaic.Models.Checkpoints;
using Moesaic.Models.Checkpoints.Safetensors;
using Moesaic.Models.Tests.Checkpoints.Gguf;
using Moesaic.Models.Tests.Decoder;
using Moesaic.TestSupport;

namespace Moesaic.Models.Tests.Families;

/// <summary>Writes a Phi-3 fixture as a GGUF file, with the keys of llama.cpp's converter.</summary>
internal static class Phi3Gguf
{
    private static readonly (string From, string To)[] s_names =
    [
        ("model.embed_tokens", "token_embd"), ("model.norm", "output_norm"), ("lm_head", "output"), ("model.layers.", "blk."), ("input_layernorm", "attn_norm"),
        ("self_attn.qkv_proj", "attn_qkv"), ("self_attn.o_proj", "attn_output"), ("post_attention_layernorm", "ffn_norm"), ("mlp.gate_up_proj", "ffn_up"), ("mlp.down_proj", "ffn_down"),
    ];

    public static void Write(string fixture, string path)
    {
        string folder = TestPaths.Shared("fixtures", fixture);
        JsonObject config = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "config.json")))!.AsObject();
        GgufBuilder builder = new GgufBuilder().Pair("general.architecture", "phi3");
        foreach ((string key, string from) in ((string, string)[])[
            ("context_length", "max_position_embeddings"), ("rope.scaling.original_context_length", "original_max_position_embeddings"), ("embedding_length", "hidden_size"),
            ("feed_forward_length", "intermediate_size"), ("block_count", "num_hidden_layers"), ("attention.head_count", "num_attention_heads"), ("attention.head_count_kv", "num_key_value_heads")])
        {
            builder.Pair("phi3." + key, (uint)config[from]!.GetValue<int>());
        }

        builder.Pair("phi3.attention.layer_norm_rms_epsilon", config["rms_norm_eps"]!.GetValue<float>()).Pair("phi3.rope.freq_base", 10000f).Pair("phi3.rope.dimension_count", 16u).Pair("phi3.attention.sliding_window", 0u);
        MemoryStream data = new();
        if (config["rope_scaling"] is JsonObject scaling)
        {
            double original = config["original_max_position_embeddings"]!.GetValue<double>(), ratio = config["max_position_embeddings"]!.GetValue<double>() / original;
            builder.Pair("phi3.rope.scaling.attn_factor", (float)Math.Sqrt(1 + (Math.Log(ratio) / Math.Log(original))));
            foreach (string set in (string[])["short", "long"])
            {
                float[] factors = [.. scaling[set + "_factor"]!.AsArray().Select(f => f!.GetValue<float>())];
                Add(builder, data, $"rope_factors_{set}.weight", ElementFormat.F32, [factors.Length], MemoryMarshal.AsBytes(factors.AsSpan()).ToArray());
            }
        }

        using SafetensorsFile file = SafetensorsFile.Open(Path.Combine(folder, "model.safetensors"));
        foreach (CheckpointTensor tensor in file.Tensors)
        {
            string name = s_names.Aggregate(tensor.Name, static (n, pair) => n.Replace(pair.From, pair.To, StringComparison.Ordinal));
            Add(builder, data, name, tensor.Format, tensor.Shape, EditedCheckpoint.BytesOf(tensor));
        }

        builder.Data = data.ToArray();
        File.WriteAllBytes(path, builder.Build());
    }

    /// <summary>Appends a tensor and its data.</summary>
    public static void Add(GgufBuilder builder, MemoryStream data, string name, ElementFormat format, ImmutableArray<long> shape, byte[] bytes)
    {
        while (data.Position % builder.Alignment != 0)
        {
            data.WriteByte(0);
        }

        builder.Tensor(name, (uint)format, (ulong)data.Position, [.. shape.Reverse().Select(d => (ulong)d)]);
        data.Write(bytes);
    }
}
