using System.Text;

namespace Moesaic.Cli.Tests;

/// <summary>A GGUF Llama of 420 million zeros in any block type, in a file with holes that costs no disk space.</summary>
internal static class LargeGguf
{
    public const int Layers = 8;
    public const int KvWidth = 512;
    private const int Hidden = 2048;
    private const int Inner = 5632;
    private const int Vocabulary = 8192;
    private const int Alignment = 32;

    /// <summary>Writes it; returns its size.</summary>
    public static long Write(string path, int typeId, int blockElements, int blockBytes)
    {
        using MemoryStream header = new();
        using BinaryWriter writer = new(header);
        (string Key, object Value)[] pairs =
        [
            ("general.architecture", "llama"), ("llama.block_count", (uint)Layers), ("llama.context_length", 2048u), ("llama.embedding_length", (uint)Hidden),
            ("llama.feed_forward_length", (uint)Inner), ("llama.attention.head_count", 32u), ("llama.attention.head_count_kv", 8u),
            ("llama.attention.layer_norm_rms_epsilon", 1e-5f), ("llama.rope.freq_base", 10000f),
        ];
        (string Name, long[] Dimensions)[] tensors = [.. Tensors()];
        writer.Write(0x46554747u);
        writer.Write(3u);
        writer.Write((ulong)tensors.Length);
        writer.Write((ulong)pairs.Length);
        foreach ((string key, object value) in pairs)
        {
            WriteString(writer, key);
            switch (value)
            {
                case string text:
                    writer.Write(8u);
                    WriteString(writer, text);
                    break;
                case float number:
                    writer.Write(6u);
                    writer.Write(number);
                    break;
                default:
                    writer.Write(4u);
                    writer.Write((uint)value);
                    break;
            }
        }

        long end = 0;
        foreach ((string name, long[] dimensions) in tensors)
        {
            bool isVector = dimensions.Length == 1;
            long count = dimensions.Aggregate((a, b) => a * b);
            WriteString(writer, name);
            writer.Write((uint)dimensions.Length);
            Array.ForEach(dimensions, d => writer.Write((ulong)d));
            writer.Write(isVector ? 0u : (uint)typeId);
            writer.Write((ulong)end);
            end += Align(isVector ? count * 4 : count / blockElements * blockBytes);
        }

        using FileStream file = File.Create(path);
        header.WriteTo(file);
        file.SetLength(Align(header.Length) + end);
        return file.Length;
    }

    private static IEnumerable<(string Name, long[] Dimensions)> Tensors()
    {
        yield return ("token_embd.weight", [Hidden, Vocabulary]);
        yield return ("output.weight", [Hidden, Vocabulary]);
        yield return ("output_norm.weight", [Hidden]);
        for (int i = 0; i < Layers; i++)
        {
            yield return ($"blk.{i}.attn_norm.weight", [Hidden]);
            yield return ($"blk.{i}.ffn_norm.weight", [Hidden]);
            yield return ($"blk.{i}.attn_q.weight", [Hidden, Hidden]);
            yield return ($"blk.{i}.attn_k.weight", [Hidden, KvWidth]);
            yield return ($"blk.{i}.attn_v.weight", [Hidden, KvWidth]);
            yield return ($"blk.{i}.attn_output.weight", [Hidden, Hidden]);
            yield return ($"blk.{i}.ffn_gate.weight", [Hidden, Inner]);
            yield return ($"blk.{i}.ffn_up.weight", [Hidden, Inner]);
            yield return ($"blk.{i}.ffn_down.weight", [Inner, Hidden]);
        }
    }

    private static long Align(long length) => (length + Alignment - 1) / Alignment * Alignment;

    private static void WriteString(BinaryWriter writer, string text)
    {
        writer.Write((ulong)text.Length);
        writer.Write(Encoding.ASCII.GetBytes(text));
    }
}
