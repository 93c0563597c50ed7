using Moesaic.Models.Checkpoints.Gguf;

namespace Moesaic.Models.Tests.Checkpoints.Gguf;

/// <summary>Every value type is read, and the typed getters convert what fits and refuse the rest by name.</summary>
public sealed class GgufMetadataTests
{
    [Test]
    public void Every_scalar_type_is_read()
    {
        GgufMetadata metadata = new GgufBuilder()
            .Pair("u8", GgufValueType.UInt8, w => w.Write((byte)200))
            .Pair("i8", GgufValueType.Int8, w => w.Write((sbyte)-5))
            .Pair("u16", GgufValueType.UInt16, w => w.Write((ushort)60000))
            .Pair("i16", GgufValueType.Int16, w => w.Write((short)-30000))
            .Pair("u32", GgufValueType.UInt32, w => w.Write(4_000_000_000u))
            .Pair("i32", GgufValueType.Int32, w => w.Write(-2_000_000_000))
            .Pair("u64", GgufValueType.UInt64, w => w.Write(ulong.MaxValue))
            .Pair("i64", GgufValueType.Int64, w => w.Write(long.MinValue))
            .Pair("f32", GgufValueType.Float32, w => w.Write(0.1f))
            .Pair("f64", GgufValueType.Float64, w => w.Write(0.1))
            .Pair("bool", GgufValueType.Bool, w => w.Write(true))
            .Pair("string", "größe")
            .Parse().Metadata;

        Assert.Multiple(() =>
        {
            Assert.That(metadata.GetInt32("u8"), Is.EqualTo(200));
            Assert.That(metadata.GetInt32("i8"), Is.EqualTo(-5));
            Assert.That(metadata.GetInt32("u16"), Is.EqualTo(60000));
            Assert.That(metadata.GetInt32("i16"), Is.EqualTo(-30000));
            Assert.That(metadata.GetUInt32("u32"), Is.EqualTo(4_000_000_000));
            Assert.That(metadata.GetInt64("i32"), Is.EqualTo(-2_000_000_000));
            Assert.That(metadata.GetInt64("i64"), Is.EqualTo(long.MinValue));
            Assert.That(metadata.GetSingle("f32"), Is.EqualTo(0.1f));
            Assert.That(metadata.GetDouble("f64"), Is.EqualTo(0.1));
            Assert.That(metadata.GetBoolean("bool"), Is.True);
            Assert.That(metadata.GetString("string"), Is.EqualTo("größe"));
            Assert.That(metadata.Keys, Is.EqualTo(new[] { "u8", "i8", "u16", "i16", "u32", "i32", "u64", "i64", "f32", "f64", "bool", "string" }));
        });
    }

    [Test]
    public void Arrays_are_read_and_converted()
    {
        GgufMetadata metadata = new GgufBuilder()
            .Pair("bytes", GgufValueType.Array, w => WriteArray(w, GgufValueType.UInt8, 2, () => w.Write((ushort)0xFF01)))
            .Pair("signed", GgufValueType.Array, w => WriteArray(w, GgufValueType.Int8, 2, () => w.Write((ushort)0xFF01)))
            .Pair("longs", GgufValueType.Array, w => WriteArray(w, GgufValueType.UInt64, 1, () => w.Write(7UL)))
            .Pair("floats", GgufValueType.Array, w => WriteArray(w, GgufValueType.Float32, 1, () => w.Write(1.5f)))
            .Pair("bools", GgufValueType.Array, w => WriteArray(w, GgufValueType.Bool, 2, () => w.Write((ushort)0x0001)))
            .Pair("empty", GgufValueType.Array, w => WriteArray(w, GgufValueType.Int32, 0, () => { }))
            .Pair("strings", "a", "", "ß")
            .Pair("nested", GgufValueType.Array, w => WriteArray(w, GgufValueType.Array, 2, () =>
            {
                WriteArray(w, GgufValueType.UInt32, 1, () => w.Write(3u));
                WriteArray(w, GgufValueType.String, 1, () => GgufBuilder.WriteString(w, "x"u8.ToArray()));
            }))
            .Parse().Metadata;

        Assert.Multiple(() =>
        {
            Assert.That(metadata.GetByteArray("bytes"), Is.EqualTo(new byte[] { 1, 255 }));
            Assert.That(metadata.GetInt32Array("bytes"), Is.EqualTo(new[] { 1, 255 }));
            Assert.That(metadata.GetInt32Array("signed"), Is.EqualTo(new[] { 1, -1 }));
            Assert.That(metadata.GetByteArray("signed"), Is.EqualTo(new byte[] { 1, 255 }));
            Assert.That(metadata.GetInt32Array("longs"), Is.EqualTo(new[] { 7 }));
            Assert.That(metadata.GetSingleArray("floats"), Is.EqualTo(new[] { 1.5f }));
            Assert.That(metadata.GetBooleanArray("bools"), Is.EqualTo(new[] { true, false }));
            Assert.That(metadata.GetInt32Array("empty"), Is.Empty);
            Assert.That(metadata.GetStringArray("strings"), Is.EqualTo(new[] { "a", "", "ß" }));
            Assert.That(metadata.GetStringTable("strings").GetUtf8(2).ToArray(), Is.EqualTo("ß"u8.ToArray()));
            Assert.That(metadata.TryGetValue("nested", out GgufValue nested), Is.True);
            GgufValue[] inner = (GgufValue[])nested.Elements!;
            Assert.That(inner[0].Elements, Is.EqualTo(new[] { 3u }));
            Assert.That((GgufStringTable)inner[1].Elements!, Is.EqualTo(new[] { "x" }));
        });
    }

    [TestCase("text", "expected u32, found string 'abc'")]
    [TestCase("negative", "i32 -1 does not fit u32")]
    [TestCase("wide", "u64 18446744073709551615 does not fit u32")]
    [TestCase("absent", "missing; expected a value of type u32")]
    public void Wrong_value_is_named_with_both_types(string key, string message)
    {
        GgufMetadata metadata = new GgufBuilder()
            .Pair("text", "abc")
            .Pair("negative", GgufValueType.Int32, w => w.Write(-1))
            .Pair("wide", GgufValueType.UInt64, w => w.Write(ulong.MaxValue))
            .Parse().Metadata;

        ModelFormatException error = Assert.Throws<ModelFormatException>(() => metadata.GetUInt32(key))!;
        Assert.That(error.Message, Does.StartWith($"model.gguf: {key}: ").And.Contain(message));
    }

    [Test]
    public void Getters_refuse_other_types()
    {
        GgufMetadata metadata = new GgufBuilder()
            .Pair("number", 1u)
            .Pair("float", 1f)
            .Pair("strings", "a", "b")
            .Pair("wide", GgufValueType.Array, w => WriteArray(w, GgufValueType.Int64, 1, () => w.Write(1L << 40)))
            .Parse().Metadata;

        Assert.Multiple(() =>
        {
            Assert.Throws<ModelFormatException>(() => metadata.GetString("number"));
            Assert.Throws<ModelFormatException>(() => metadata.GetBoolean("number"));
            Assert.Throws<ModelFormatException>(() => metadata.GetSingle("number"));
            Assert.Throws<ModelFormatException>(() => metadata.GetInt32("float"));
            Assert.Throws<ModelFormatException>(() => metadata.GetInt32Array("strings"));
            Assert.Throws<ModelFormatException>(() => metadata.GetInt32Array("number"));
            Assert.Throws<ModelFormatException>(() => metadata.GetInt32Array("wide"));
            Assert.Throws<ModelFormatException>(() => metadata.GetSingleArray("wide"));
            Assert.Throws<ModelFormatException>(() => metadata.GetByteArray("strings"));
            Assert.Throws<ModelFormatException>(() => metadata.GetStringTable("wide"));
            Assert.Throws<ModelFormatException>(() => metadata.GetBooleanArray("wide"));
            Assert.That(metadata.TryGetInt32Array("absent", out _), Is.False);
        });
    }

    private static void WriteArray(BinaryWriter writer, GgufValueType type, ulong count, Action elements)
    {
        writer.Write((uint)type);
        writer.Write(count);
        elements();
    }
}
