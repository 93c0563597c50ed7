using System.Buffers.Binary;
using System.Text;
using System.Text.Json;

namespace Moesaic.Cli.Tests;

/// <summary>
/// A Llama without meaning, in bf16 789 MB. Every weight is zero, in a file with holes that costs no disk space, unless data is
/// asked for.
/// </summary>
internal static class LargeCheckpoint
{
    public const int Layers = 8;
    public const int KvWidth = 512;
    private const int Hidden = 2048;
    private const int Inner = 5632;
    private const int Vocabulary = 8192;

    /// <summary>Writes it; returns the size of the weights' file.</summary>
    /// <param name="folder">Where to.</param>
    /// <param name="withData">Whether to fill it.</param>
    /// <param name="quantisation">fp8, gptq or packed: the form of the linear maps; null: bf16.</param>
    public static long Write(string folder, bool withData = false, string? quantisation = null)
    {
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "config.json"), $$"""
            {
              "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu", "torch_dtype": "bfloat16",
              "vocab_size": {{Vocabulary}}, "hidden_size": {{Hidden}}, "intermediate_size": {{Inner}}, "num_hidden_layers": {{Layers}},
              "num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 64, "max_position_embeddings": 2048,
              "rms_norm_eps": 1e-05, "rope_theta": 10000, "attention_bias": false, "mlp_bias": false,
              "tie_word_embeddings": false, "bos_token_id": 1, "eos_token_id": 2{{Settings(quantisation)}}
            }
            """);
        using MemoryStream header = new();
        long end = 0;
        using (Utf8JsonWriter json = new(header))
        {
            json.WriteStartObject();
            foreach ((string name, string type, int[] shape) in Tensors().SelectMany(t => Stored(t.Name, t.Shape, quantisation)))
            {
                json.WriteStartObject(name);
                json.WriteString("dtype", type);
                json.WriteStartArray("shape");
                long count = 1;
                foreach (int size in shape)
                {
                    json.WriteNumberValue(size);
                    count *= size;
                }

                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(end);
                json.WriteNumberValue(end += BytesOf(type) * count);
                json.WriteEndArray();
                json.WriteEndObject();
            }

            json.WriteEndObject();
        }

        byte[] text = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(header.ToArray()).PadRight((int)(header.Length + 7) / 8 * 8));
        using FileStream file = File.Create(Path.Combine(folder, "model.safetensors"));
        byte[] length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, text.Length);
        file.Write(length);
        file.Write(text);
        if (withData)
        {
            WriteData(file, end);
        }

        file.SetLength(8 + text.Length + end);
        return file.Length;
    }

    private static string Settings(string? quantisation) => quantisation switch
    {
        null => "",
        "fp8" => """, "quantization_config": {"quant_method": "fp8", "fmt": "e4m3", "activation_scheme": "dynamic", "weight_block_size": [128, 128]}""",
        "gptq" => """, "quantization_config": {"quant_method": "gptq", "bits": 4, "group_size": 128, "desc_act": false, "sym": true}""",
        "packed" => """
            , "quantization_config": {"quant_method": "compressed-tensors", "format": "pack-quantized", "ignore": ["lm_head"], "config_groups":
            {"group_0": {"targets": ["Linear"], "weights": {"num_bits": 4, "type": "int", "strategy": "group", "group_size": 128, "symmetric": true}}}}
            """,
        _ => throw new ArgumentOutOfRangeException(nameof(quantisation)),
    };

    // The tensors of a weight; those of zero scales hold zeros.
    private static IEnumerable<(string Name, string Type, int[] Shape)> Stored(string name, int[] shape, string? quantisation)
    {
        if (quantisation is null || !name.Contains("_proj", StringComparison.Ordinal))
        {
            return [(name, "BF16", shape)];
        }

        (int rows, int cols) = (shape[0], shape[1]);
        string module = name[..^".weight".Length];
        return quantisation switch
        {
            "fp8" => [(name, "F8_E4M3", shape), (name + "_scale_inv", "F32", [rows / 128, cols / 128])],
            "gptq" => [(module + ".qweight", "I32", [cols / 8, rows]), (module + ".qzeros", "I32", [cols / 128, rows / 8]), (module + ".scales", "F16", [cols / 128, rows])],
            _ => [(name + "_packed", "I32", [rows, cols / 8]), (name + "_scale", "BF16", [rows, cols / 128])],
        };
    }

    private static int BytesOf(string type) => type switch
    {
        "F8_E4M3" => 1,
        "F32" or "I32" => 4,
        _ => 2,
    };

    private static void WriteData(FileStream file, long count)
    {
        byte[] block = new byte[1 << 20];
        new Random(1).NextBytes(block);
        for (int i = 1; i < block.Length; i += 2)
        {
            // The high byte of a small bf16, so that all values are finite.
            block[i] = 0x3c;
        }

        for (long at = 0; at < count; at += block.Length)
        {
            file.Write(block.AsSpan(0, (int)Math.Min(block.Length, count - at)));
        }
    }

    private static IEnumerable<(string Name, int[] Shape)> Tensors()
    {
        yield return ("model.embed_tokens.weight", [Vocabulary, Hidden]);
        yield return ("lm_head.weight", [Vocabulary, Hidden]);
        yield return ("model.norm.weight", [Hidden]);
        for (int layer = 0; layer < Layers; layer++)
        {
            string prefix = $"model.layers.{layer}.";
            yield return (prefix + "input_layernorm.weight", [Hidden]);
            yield return (prefix + "post_attention_layernorm.weight", [Hidden]);
            yield return (prefix + "self_attn.q_proj.weight", [Hidden, Hidden]);
            yield return (prefix + "self_attn.k_proj.weight", [KvWidth, Hidden]);
            yield return (prefix + "self_attn.v_proj.weight", [KvWidth, Hidden]);
            yield return (prefix + "self_attn.o_proj.weight", [Hidden, Hidden]);
            yield return (prefix + "mlp.gate_proj.weight", [Inner, Hidden]);
            yield return (prefix + "mlp.up_proj.weight", [Inner, Hidden]);
            yield return (prefix + "mlp.down_proj.weight", [Hidden, Inner]);
        }
    }
}
