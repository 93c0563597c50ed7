using System.Buffers.Binary;
using System.Diagnostics;
using Moesaic.Models.Checkpoints;
using Moesaic.Models.Checkpoints.Gguf;
using Moesaic.Models.Checkpoints.Safetensors;
using Moesaic.Models.Configurations;
using Moesaic.Models.Tests.Checkpoints.Gguf;
using Moesaic.TestSupport;
using Moesaic.TestSupport.Fuzz;

namespace Moesaic.Models.Tests.Checkpoints.Fuzz;

/// <summary>
/// Mutated container headers: whatever comes in, the parsers return or throw <see cref="ModelFormatException"/>, and
/// what they allocate is bounded by the input's size. Deterministic: the same inputs on each run.
/// </summary>
public sealed class ContainerFuzzTests
{
    /// <summary>Fixed cost (read buffer, exception with its stack) and cost a byte of input (records of a few bytes become objects).</summary>
    private const long AllowedBytes = 256 << 10;

    private const int AllowedBytesPerInputByte = 64;

    private static readonly string[] GgufWords =
    [
        "general.alignment", "general.architecture", "split.count", "GGUF", "\u0008\0\0\0", "\u0009\0\0\0", "\u0009\0\0\0\u0001\0\0\0\0\0\0\0", "\0\0\0\0\0\0\0\0", "\u0001\0\0\0\0\0\0\0",
    ];

    private static readonly string[] JsonWords =
    [
        "\"dtype\":", "\"shape\":", "\"data_offsets\":", "\"__metadata__\":{", "\"F32\"", "\"BF16\"", "\"I64\"", "[0,0]", "-1", "9223372036854775807,", "9223372036854775808", "1e9", "null", "{}", "\\ud800", ",",
    ];

    [Test]
    public void Gguf_headers()
    {
        string[] deepest = ["overlaps tensor", "reaches past the data section", "occurs twice", "not valid UTF-8", "multiple of the alignment", "cannot be cut into", "dimension 1 is", "a bool holds"];
        Run(1, GgufSeeds(), 25_000, GgufWords, deepest, bytes =>
        {
            using GgufFile file = GgufFile.Parse(new MemoryStream(bytes), "fuzz.gguf");
            Use(file, bytes.Length);
            Use(file.Metadata);
        });
    }

    [Test]
    public void Safetensors_headers()
    {
        string[] deepest = ["leave a hole", "do not hold the", "occurs twice", "is not supported", "shape must hold", "the tensors cover", "past the data section"];
        Run(2, SafetensorsSeeds(), 20_000, JsonWords, deepest, bytes =>
        {
            using SafetensorsFile file = SafetensorsFile.Parse(new MemoryStream(bytes), "fuzz.safetensors");
            Use(file, bytes.Length);
        }, MutateHeaderAlone);
    }

    [Test]
    public void Indices_and_configurations()
    {
        byte[][] seeds =
        [
            """{"metadata":{"total_size":12},"weight_map":{"a":"model-00001-of-00002.safetensors","b":"model-00002-of-00002.safetensors"}}"""u8.ToArray(),
            """{"rope_theta":1e4,"max_position_embeddings":64,"rope_scaling":{"type":"yarn","factor":4.0,"beta_fast":32,"original_max_position_embeddings":64}}"""u8.ToArray(),
            """{"rope_theta":1e4,"rope_scaling":{"rope_type":"llama3","factor":8,"low_freq_factor":1,"high_freq_factor":4,"original_max_position_embeddings":64},"eos_token_id":[1,2]}"""u8.ToArray(),
            File.ReadAllBytes(TestPaths.TestData("fixtures", "ling_mtp", "config.json")),
            File.ReadAllBytes(TestPaths.TestData("fixtures", "llama_yarn", "config.json")),
        ];
        Run(3, seeds, 10_000, [.. JsonWords, "\"weight_map\":", "\"rope_scaling\":{", "\"rope_parameters\":{\"rope_type\":\"yarn\",", "\"factor\":", "../", "0", "1e7", "1e400", "NaN"], ["is not supported", "not valid JSON", "expected", "lies outside"], bytes =>
        {
            if (bytes.AsSpan().IndexOf("weight_map"u8) >= 0)
            {
                SafetensorsIndex.Parse(bytes, "fuzz.json");
                return;
            }

            HuggingFaceConfig config = HuggingFaceConfig.Parse(bytes, "fuzz.json");
            RopeSettings rope = HuggingFaceRope.Read(config.Raw);
            RopeFrequencies frequencies = RopeFrequencies.Compute(rope, 64, 4096, "fuzz.json");
            if (!Array.TrueForAll(frequencies.Inverse, float.IsFinite) || !float.IsFinite(frequencies.AttentionFactor))
            {
                throw new InvalidOperationException("a frequency is not finite");
            }

            EndOfGeneration.FromHuggingFace(config.Raw, null, null, null);
            config.Raw.RequireAllRead();
        });
    }

    private static void Run(ulong seed, byte[][] seeds, int count, string[] words, string[] deepest, Action<byte[]> parse, Func<Mutator, byte[], byte[]?>? mutate = null)
    {
        Mutator mutator = new(seed, words);
        HashSet<string> unseen = [.. deepest];
        int accepted = 0;
        parse(seeds[0]);
        Stopwatch time = Stopwatch.StartNew();
        for (int i = 0; i < count; i++)
        {
            byte[] bytes = mutate?.Invoke(mutator, seeds[i % seeds.Length]) ?? mutator.Mutate(seeds[i % seeds.Length], seeds[mutator.Next(seeds.Length)], maxLength: 64 << 10);
            long before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                parse(bytes);
                accepted++;
            }
            catch (ModelFormatException e)
            {
                unseen.RemoveWhere(e.Message.Contains);
            }
            catch (Exception e)
            {
                Assert.Fail($"input {i} of seed {seed} ended in {e}\n{Convert.ToHexString(bytes.AsSpan(0, Math.Min(bytes.Length, 512)))}");
            }

            long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            long allowed = AllowedBytes + ((long)AllowedBytesPerInputByte * bytes.Length);
            if (allocated > allowed)
            {
                Assert.Fail($"input {i} of seed {seed} ({bytes.Length} bytes) made the parser allocate {allocated} bytes; allowed are {allowed}");
            }
        }

        TestContext.Out.WriteLine($"{count} inputs, {accepted} accepted, {time.Elapsed.TotalSeconds:f1} s");
        Assert.That(accepted, Is.InRange(count / 1000, count - 1), "mutants that were accepted");
        Assert.That(unseen, Is.Empty, "checks that no mutant reached: the fuzzing does not go deep enough");
    }

    private static void Use(ICheckpoint checkpoint, long length)
    {
        foreach (CheckpointTensor tensor in checkpoint.Tensors)
        {
            if (tensor.HasKnownLayout && (tensor.Offset < 0 || tensor.ByteLength < 0 || tensor.Offset + tensor.ByteLength > length))
            {
                throw new InvalidOperationException($"{tensor} was accepted outside the file");
            }
        }
    }

    private static void Use(GgufMetadata metadata)
    {
        foreach (string key in metadata.Keys)
        {
            metadata.TryGetValue(key, out GgufValue value);
            _ = value.Describe();
        }

        if (metadata.Contains("tokenizer.ggml.eos_token_id"))
        {
            EndOfGeneration.FromGguf(metadata);
        }
    }

    private static byte[][] GgufSeeds()
    {
        // The fixtures' own headers, with the data cut off behind the first kilobyte and so mostly refused late, and
        // small files that are right as they are.
        byte[] small = new GgufBuilder { Data = new byte[256] }
            .Pair("general.architecture", "llama")
            .Pair("general.alignment", 32u)
            .Pair("llama.rope.freq_base", 1e4f)
            .Pair("tokenizer.ggml.tokens", "<s>", "</s>", "<|im_end|>", "a")
            .Pair("tokenizer.ggml.eos_token_id", 1u)
            .Pair("flags", GgufValueType.Array, w =>
            {
                w.Write((uint)GgufValueType.Bool);
                w.Write(4UL);
                w.Write(0x01000001u);
            })
            .Pair("nested", GgufValueType.Array, WriteNested)
            .Tensor("a", 0, 0, 4, 4)
            .Tensor("b", 2, 64, 32, 2)
            .Tensor("c", 30, 128, 8, 2, 2)
            .Build();
        byte[] tiny = new GgufBuilder().Pair("a", 1u).Pair("n", GgufValueType.Array, WriteNested).Build();
        byte[] header = Head(TestPaths.TestData("fixtures", "ling", "model.gguf"), 32 << 10);
        return [small, tiny, small, header];
    }

    /// <summary>An array as deep as it may be.</summary>
    private static void WriteNested(BinaryWriter writer)
    {
        for (int depth = 0; depth < 3; depth++)
        {
            writer.Write((uint)GgufValueType.Array);
            writer.Write(1UL);
        }

        writer.Write((uint)GgufValueType.Int32);
        writer.Write(2UL);
        writer.Write(1L);
    }

    private static byte[][] SafetensorsSeeds()
    {
        const string header = """{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]},"b":{"dtype":"BF16","shape":[4],"data_offsets":[16,24]},"c":{"dtype":"U8","shape":[],"data_offsets":[24,25]}}""";
        const string tiny = """{"t":{"dtype":"I64","shape":[0],"data_offsets":[0,0]}}""";
        byte[] fixture = Head(TestPaths.TestData("fixtures", "qwen2", "model.safetensors"), 16 << 10);
        return [Safetensors.SafetensorsFileTests.Build(header, 25), Safetensors.SafetensorsFileTests.Build(tiny, 0), Safetensors.SafetensorsFileTests.Build(header, 25), fixture];
    }

    /// <summary>Every other time: only the JSON is mutated, and length and data fit it, so that deeper checks are reached.</summary>
    private static byte[]? MutateHeaderAlone(Mutator mutator, byte[] seed)
    {
        int length = (int)BinaryPrimitives.ReadUInt64LittleEndian(seed);
        if (length > seed.Length - 8 || mutator.Next(2) == 0)
        {
            return null;
        }

        byte[] json = mutator.Mutate(seed.AsSpan(8, length));
        byte[] bytes = [.. new byte[8], .. json, .. seed.AsSpan(8 + length)];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, (ulong)json.Length);
        return bytes;
    }

    private static byte[] Head(string path, int bytes)
    {
        using FileStream stream = File.OpenRead(path);
        byte[] head = new byte[Math.Min(bytes, stream.Length)];
        stream.ReadExactly(head);
        return head;
    }
}
