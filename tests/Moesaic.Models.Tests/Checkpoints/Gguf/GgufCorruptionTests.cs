using Moesaic.Models.Checkpoints;
using Moesaic.Models.Checkpoints.Gguf;

namespace Moesaic.Models.Tests.Checkpoints.Gguf;

/// <summary>Each way in which a GGUF file can be wrong ends in an error that says so.</summary>
public sealed class GgufCorruptionTests
{
    private const uint F32 = 0;
    private const uint Q4_0 = 2;

    private static IEnumerable<TestCaseData> Cases()
    {
        yield return Case("empty file", new GgufBuilder(), "not a GGUF file", _ => []);
        yield return Case("other magic", new GgufBuilder { Magic = 0x04034b50 }, "not a GGUF file");
        yield return Case("swapped magic", new GgufBuilder { Magic = 0x47475546 }, "byte-swapped");
        yield return Case("version 1", new GgufBuilder { Version = 1 }, "version 1 is not supported");
        yield return Case("version 4", new GgufBuilder { Version = 4 }, "version 4 is not supported");
        yield return Case("big-endian", new GgufBuilder { Version = 0x03000000 }, "big-endian");
        yield return Case("absurd pair count", new GgufBuilder { PairCount = ulong.MaxValue }, "18446744073709551615 items");
        yield return Case("absurd tensor count", new GgufBuilder { TensorCount = 1UL << 60 }, "1152921504606846976 items");
        yield return Case("truncated value", new GgufBuilder().Pair("a", 1u), "truncated", b => b[..^2]);
        yield return Case("duplicate key", new GgufBuilder().Pair("a", 1u).Pair("a", 2u), "a: this metadata key occurs twice");
        yield return Case("empty key", new GgufBuilder().Pair("", 1u), "is empty");
        yield return Case("unknown value type", new GgufBuilder().Pair("a", (GgufValueType)13, _ => { }), "a: value type 13 is unknown");
        yield return Case("bad bool", new GgufBuilder().Pair("a", GgufValueType.Bool, w => w.Write((byte)2)), "a: a bool holds 2");
        yield return Case("string not UTF-8", new GgufBuilder().Pair("a", GgufValueType.String, w => GgufBuilder.WriteString(w, [0xC3, 0x28])), "a: the string is not valid UTF-8");
        yield return Case("array string not UTF-8", new GgufBuilder().Pair("a", GgufValueType.Array, w =>
        {
            w.Write((uint)GgufValueType.String);
            w.Write(1UL);
            GgufBuilder.WriteString(w, [0xFF]);
        }), "string 0 of the array is not valid UTF-8");
        yield return Case("string longer than file", new GgufBuilder().Pair("a", GgufValueType.String, w => w.Write(1UL << 40)), "a: 1099511627776 items");
        yield return Case("array longer than file", new GgufBuilder().Pair("a", GgufValueType.Array, w =>
        {
            w.Write((uint)GgufValueType.Float64);
            w.Write(ulong.MaxValue / 4);
        }), "a: 4611686018427387903 items of at least 8 bytes");
        yield return Case("deep arrays", new GgufBuilder().Pair("a", GgufValueType.Array, w =>
        {
            for (int depth = 0; depth < 50; depth++)
            {
                w.Write((uint)GgufValueType.Array);
                w.Write(1UL);
            }
        }), "nested deeper");
        yield return Case("alignment of 3", new GgufBuilder().Pair("general.alignment", 3u), "general.alignment: the value 3 is not a power of two");
        yield return Case("alignment of 0", new GgufBuilder().Pair("general.alignment", 0u), "not a power of two");
        yield return Case("duplicate tensor", Weights(8).Tensor("t", F32, 0, 1).Tensor("t", F32, 32, 1), "t: this tensor occurs twice");
        yield return Case("five dimensions", Weights(64).Tensor("t", F32, 0, 1, 1, 1, 1, 1), "5 dimensions");
        yield return Case("zero dimension", Weights(64).Tensor("t", F32, 0, 4, 0), "dimension 1 is 0");
        yield return Case("product overflows", Weights(64).Tensor("t", F32, 0, 1UL << 40, 1UL << 40), "dimension 1 is 1099511627776");
        yield return Case("bytes overflow", Weights(64).Tensor("t", F32, 0, 1UL << 62), "overflow 63-bit byte counts");
        yield return Case("row not in blocks", Weights(64).Tensor("t", Q4_0, 0, 33), "t: rows of 33 elements");
        yield return Case("absurd type", Weights(64).Tensor("t", uint.MaxValue, 0, 1), "t: the type id 4294967295 is absurd");
        yield return Case("offset not aligned", Weights(64).Tensor("t", F32, 4, 1), "multiple of the alignment 32");
        yield return Case("offset past the end", Weights(64).Tensor("t", F32, 1 << 20, 1), "inside the file");
        yield return Case("data past the end", Weights(64).Tensor("t", F32, 32, 9), "reaches past the data section of 64 bytes");
        yield return Case("no data at all", new GgufBuilder().Tensor("t", F32, 0, 1), "reaches past the data section");
        yield return Case("overlap", Weights(128).Tensor("a", F32, 0, 16).Tensor("b", F32, 32, 8), "b: its data (offset 32) overlaps tensor 'a' (0 to 64)");
        yield return Case("same place", Weights(128).Tensor("a", F32, 0, 8).Tensor("b", F32, 0, 8), "overlaps");
    }

    [TestCaseSource(nameof(Cases))]
    public void Wrong_file_is_refused(byte[] bytes, string message)
    {
        ModelFormatException error = Assert.Throws<ModelFormatException>(() => GgufBuilder.Parse(bytes))!;
        Assert.That(error.Message, Does.StartWith("model.gguf: ").And.Contain(message));
    }

    [Test]
    public void Right_file_is_accepted()
    {
        using GgufFile file = new GgufBuilder { Version = 2, Alignment = 64, Data = new byte[160] }
            .Pair("general.alignment", 64u)
            .Tensor("a", F32, 0, 16)
            .Tensor("b", Q4_0, 64, 32, 2)
            .Tensor("s", F32, 128)
            .Parse();

        Assert.That(file.Tensors.Select(t => (t.Name, t.ByteLength)), Is.EqualTo(new[] { ("a", 64L), ("b", 36L), ("s", 4L) }));
        Assert.That(file.GetTensor("b").Shape, Is.EqualTo(new long[] { 2, 32 }));
        Assert.That(file.GetTensor("s").Shape, Is.Empty);
    }

    [TestCase(41u, "Q1_0 (ggml type 41)")]
    [TestCase(4u, "Q4_2 (ggml type 4, withdrawn)")]
    [TestCase(200u, "ggml type 200")]
    [TestCase(256u, "ggml type 256")]
    [TestCase(337u, "ggml type 337")]
    public void Unknown_type_is_refused_by_name_only_when_needed(uint type, string name)
    {
        using GgufFile file = Weights(64).Tensor("t", type, 0, 7).Parse();
        CheckpointTensor tensor = file.GetTensor("t");

        Assert.That(tensor.HasKnownLayout, Is.False);
        ModelFormatException error = Assert.Throws<ModelFormatException>(() => _ = tensor.ByteLength)!;
        Assert.That(error.Message, Is.EqualTo($"model.gguf: t: its type is {name}, which this program cannot read; use a file quantised to a supported type."));
    }

    [Test]
    public void Lying_counts_allocate_next_to_nothing()
    {
        byte[] bytes = new GgufBuilder().Pair("a", GgufValueType.Array, w =>
        {
            w.Write((uint)GgufValueType.String);
            w.Write(3UL);
        }).Build();
        Array.Resize(ref bytes, bytes.Length + 24); // three empty strings' lengths
        bytes[^1] = 0x7F; // the last one claims half the address space

        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<ModelFormatException>(() => GgufBuilder.Parse(bytes));
        Assert.That(GC.GetAllocatedBytesForCurrentThread() - before, Is.LessThan(200_000));
    }

    private static GgufBuilder Weights(int bytes) => new() { Data = new byte[bytes] };

    private static TestCaseData Case(string name, GgufBuilder builder, string message, Func<byte[], byte[]>? change = null)
    {
        byte[] bytes = builder.Build();
        return new TestCaseData(change?.Invoke(bytes) ?? bytes, message).SetArgDisplayNames(name);
    }
}
