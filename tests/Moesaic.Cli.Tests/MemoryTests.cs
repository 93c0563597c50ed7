using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Moesaic.TestSupport;

namespace Moesaic.Cli.Tests;

/// <summary>Peak resident memory of the program: the file x 1.15 + 150 MB + the cache, for types that run as they are.</summary>
public sealed class MemoryTests
{
    private const double OfFile = 1.15;
    private const long Own = 150_000_000;

    [Test]
    public void Scoring_a_real_model_stays_within_its_memory()
    {
        string model = TestPaths.Shared("models", "SmolLM2-135M-Instruct.Q4_1.gguf");
        using TemporaryFolder folder = new();
        string ids = folder.Combine("ids.json");
        File.WriteAllText(ids, $$"""{"ids":[[{{string.Join(',', Enumerable.Range(1, 256))}}]]}""");
        // 30 layers of 3 heads of 64, keys and values in bf16.
        AssertPeak(new FileInfo(model).Length, 256L * 30 * 3 * 64 * 2 * 2, "score", "--model", model, "--ids", ids, "--json");
    }

    [Test]
    public void Generating_with_a_larger_model_stays_within_its_memory()
    {
        using TemporaryFolder folder = new();
        string model = folder.Combine("model");
        long bytes = LargeCheckpoint.Write(model);
        string ids = folder.Combine("ids.json");
        File.WriteAllText(ids, """{"ids":[[1,2,3,4,5,6,7,8]]}""");
        const int context = 512;
        AssertPeak(
            bytes, (long)context * LargeCheckpoint.Layers * LargeCheckpoint.KvWidth * 2 * 2,
            "generate", "--model", model, "--ids", ids, "--max-tokens", "4", "--context", context.ToString(CultureInfo.InvariantCulture), "--json");
    }

    private static void AssertPeak(long fileBytes, long cacheBytes, params string[] arguments)
    {
        using RunningProgram program = RunningProgram.Start(arguments);
        program.WriteInput("");
        // The peak never sinks, so the last look before the end is enough.
        long peak = 0;
        while (!program.EndsWithin(TimeSpan.FromMilliseconds(2)))
        {
            peak = Math.Max(peak, Peak(program.Id));
        }

        ProgramRun run = program.End();
        Assert.That(run.ExitCode, Is.Zero, run.Error);
        long most = (long)(fileBytes * OfFile) + Own + cacheBytes;
        TestContext.Out.WriteLine($"peak {peak / 1e6:F0} MB, file {fileBytes / 1e6:F0} MB, cache {cacheBytes / 1e6:F0} MB, at most {most / 1e6:F0} MB");
        Assert.That(peak, Is.InRange(fileBytes / 2, most), "peak of resident memory, bytes");
    }

    private static long Peak(int processId)
    {
        try
        {
            string? line = File.ReadLines($"/proc/{processId}/status").FirstOrDefault(l => l.StartsWith("VmHWM:", StringComparison.Ordinal));
            return line is null ? 0 : long.Parse(line.Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024;
        }
        catch (IOException)
        {
            // It ended in between.
            return 0;
        }
    }

    /// <summary>A bf16 Llama without meaning: every weight is zero, in a file with holes that costs no disk space.</summary>
    private static class LargeCheckpoint
    {
        public const int Layers = 8;
        public const int KvWidth = 512;
        private const int Hidden = 2048;
        private const int Inner = 5632;
        private const int Vocabulary = 8192;

        public static long Write(string folder)
        {
            Directory.CreateDirectory(folder);
            File.WriteAllText(Path.Combine(folder, "config.json"), $$"""
                {
                  "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu", "torch_dtype": "bfloat16",
                  "vocab_size": {{Vocabulary}}, "hidden_size": {{Hidden}}, "intermediate_size": {{Inner}}, "num_hidden_layers": {{Layers}},
                  "num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 64, "max_position_embeddings": 2048,
                  "rms_norm_eps": 1e-05, "rope_theta": 10000, "attention_bias": false, "mlp_bias": false,
                  "tie_word_embeddings": false, "bos_token_id": 1, "eos_token_id": 2
                }
                """);
            using MemoryStream header = new();
            long end = 0;
            using (Utf8JsonWriter json = new(header))
            {
                json.WriteStartObject();
                foreach ((string name, int[] shape) in Tensors())
                {
                    json.WriteStartObject(name);
                    json.WriteString("dtype", "BF16");
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
                    json.WriteNumberValue(end += 2 * count);
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
            file.SetLength(8 + text.Length + end);
            return file.Length;
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
}
