using System.Buffers.Binary;
using System.Text;
using Moesaic.Models.Checkpoints;
using Moesaic.Models.Checkpoints.Safetensors;
using Moesaic.TestSupport;

namespace Moesaic.Models.Tests.Checkpoints.Safetensors;

/// <summary>safetensors files written by others are read; each way to be wrong is refused with an error that says so.</summary>
public sealed class SafetensorsFileTests
{
    [Test]
    public void Published_layout_is_read()
    {
        using SafetensorsFile file = SafetensorsFile.Open(TestPaths.Shared("fixtures", "ling", "model.safetensors"));

        CheckpointTensor qkv = file.GetTensor("model.layers.0.attention.query_key_value.weight");
        Assert.That(qkv.Format, Is.EqualTo(ElementFormat.BF16));
        Assert.That(qkv.Shape, Is.EqualTo(new long[] { 256, 64 }));
        Assert.That(file.GetTensor("model.layers.1.mlp.gate.expert_bias").Format, Is.EqualTo(ElementFormat.F32));
    }

    [TestCase("F64", ElementFormat.F64, 8)]
    [TestCase("F32", ElementFormat.F32, 4)]
    [TestCase("F16", ElementFormat.F16, 2)]
    [TestCase("BF16", ElementFormat.BF16, 2)]
    [TestCase("F8_E4M3", ElementFormat.F8_E4M3, 1)]
    [TestCase("F8_E5M2", ElementFormat.F8_E5M2, 1)]
    [TestCase("I64", ElementFormat.I64, 8)]
    [TestCase("I32", ElementFormat.I32, 4)]
    [TestCase("I16", ElementFormat.I16, 2)]
    [TestCase("I8", ElementFormat.I8, 1)]
    [TestCase("U64", ElementFormat.U64, 8)]
    [TestCase("U32", ElementFormat.U32, 4)]
    [TestCase("U16", ElementFormat.U16, 2)]
    [TestCase("U8", ElementFormat.U8, 1)]
    [TestCase("BOOL", ElementFormat.Bool, 1)]
    public void Every_dtype_is_known(string dtype, ElementFormat format, int size)
    {
        using SafetensorsFile file = Parse($$$"""{"t":{"dtype":"{{{dtype}}}","shape":[3],"data_offsets":[0,{{{3 * size}}}]}}""", 3 * size);
        CheckpointTensor tensor = file.GetTensor("t");

        Assert.That((tensor.Format, tensor.ByteLength, tensor.ElementCount), Is.EqualTo((format, 3L * size, 3L)));
    }

    [Test]
    public void Metadata_scalars_empty_tensors_and_padding_are_accepted()
    {
        const string header = """{"__metadata__":{"format":"pt"},"b":{"dtype":"U8","shape":[],"data_offsets":[4,5]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"e":{"dtype":"F32","shape":[2,0],"data_offsets":[4,4]}}    """;
        using SafetensorsFile file = Parse(header, 5);

        Assert.That(file.Metadata["format"], Is.EqualTo("pt"));
        Assert.That(file.GetTensor("b").Shape, Is.Empty);
        Assert.That(file.GetTensor("e").ElementCount, Is.Zero);
        Assert.That(file.GetTensor("b").Offset, Is.EqualTo(8 + header.Length + 4));
    }

    [TestCase("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8, "a: this key occurs twice")]
    [TestCase("""{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 4, "the key 'dtype' occurs twice")]
    [TestCase("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}}""", 6, "b: data_offsets [2, 6] overlap")]
    [TestCase("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}""", 12, "b: data_offsets [8, 12] leave a hole")]
    [TestCase("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}""", 8, "a: data_offsets [4, 8] leave a hole")]
    [TestCase("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}""", 8, "the tensors cover 4 bytes of data, the file holds 8")]
    [TestCase("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 4, "reach past the data section of 4 bytes")]
    [TestCase("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}""", 4, "do not hold the 8 bytes of F32 [2]")]
    [TestCase("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}""", 4, "do not hold")]
    [TestCase("""{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}}""", 0, "overflows 63-bit byte counts")]
    [TestCase("""{"a":{"dtype":"F32","shape":[4611686018427387904,4,0],"data_offsets":[0,0]}}""", 0, "overflows 63-bit byte counts")]
    [TestCase("""{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}""", 4, "shape must hold")]
    [TestCase("""{"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}}""", 4, "shape must hold")]
    [TestCase("""{"a":{"dtype":"F32","shape":"1","data_offsets":[0,4]}}""", 4, "shape must be an array")]
    [TestCase("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}}""", 4, "data_offsets must hold at most 2")]
    [TestCase("""{"a":{"dtype":"F32","shape":[1]}}""", 4, "must hold dtype, shape and two data_offsets")]
    [TestCase("""{"a":{"dtype":"F31","shape":[1],"data_offsets":[0,4]}}""", 4, "a: the dtype 'F31' is not supported")]
    [TestCase("""{"a":{"dtype":7,"shape":[1],"data_offsets":[0,4]}}""", 4, "dtype must be a string")]
    [TestCase("""{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"extra":1}}""", 4, "unknown key 'extra'")]
    [TestCase("""{"a":1}""", 0, "a: expected an object")]
    [TestCase("""{"__metadata__":{"a":1}}""", 0, "__metadata__.a: expected a string")]
    [TestCase("""{"__metadata__":{"a":"1","a":"2"}}""", 0, "__metadata__.a: this key occurs twice")]
    [TestCase("""{"a":""", 0, "not valid JSON")]
    [TestCase("""{} x""", 0, "not valid JSON")]
    [TestCase("""{"\ud800":{}}""", 0, "not valid JSON")]
    [TestCase(""" {}""", 0, "must be a JSON object in UTF-8 that starts with '{'")]
    [TestCase("""[]""", 0, "starts with '{'")]
    public void Wrong_header_is_refused(string header, int dataBytes, string message)
    {
        Assert.That(() => Parse(header, dataBytes), Throws.TypeOf<ModelFormatException>()
            .With.Message.StartsWith("m.safetensors: ").And.Message.Contains(message));
    }

    [TestCase(new byte[] { 1, 2, 3 }, "the file has 3 bytes")]
    [TestCase(new byte[] { 255, 255, 255, 255, 255, 255, 255, 255, 0 }, "announces 18446744073709551615 bytes, but only 1 follow")]
    [TestCase(new byte[] { 1, 0, 0, 0, 0, 0, 0, 0, 0x7B }, "the header has 1 bytes")]
    [TestCase(new byte[] { 2, 0, 0, 0, 0, 0, 0, 0, 0x7B, 0xFF }, "in UTF-8")]
    public void Wrong_prefix_is_refused(byte[] bytes, string message)
    {
        Assert.That(() => SafetensorsFile.Parse(new MemoryStream(bytes), "m.safetensors"), Throws.TypeOf<ModelFormatException>().With.Message.Contains(message));
    }

    internal static byte[] Build(string header, int dataBytes)
    {
        byte[] json = Encoding.UTF8.GetBytes(header);
        byte[] bytes = new byte[8 + json.Length + dataBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, (ulong)json.Length);
        json.CopyTo(bytes, 8);
        return bytes;
    }

    private static SafetensorsFile Parse(string header, int dataBytes) => SafetensorsFile.Parse(new MemoryStream(Build(header, dataBytes)), "m.safetensors");
}
