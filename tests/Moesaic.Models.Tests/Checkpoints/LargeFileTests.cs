using Moesaic.Models.Checkpoints;
using Moesaic.Models.Checkpoints.Gguf;
using Moesaic.Models.Checkpoints.Safetensors;
using Moesaic.Models.Tests.Checkpoints.Gguf;
using Moesaic.TestSupport;

namespace Moesaic.Models.Tests.Checkpoints;

/// <summary>Files beyond the reach of 32 bits (sparse, so they cost no disk) are read to their last byte.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class LargeFileTests : IDisposable
{
    private const long Large = 5L << 30;

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Test]
    public void Gguf_data_behind_five_gigabytes_is_reached()
    {
        string path = _folder.Combine("large.gguf");
        byte[] header = new GgufBuilder()
            .Pair("general.architecture", "x")
            .Tensor("large", 24, 0, 1 << 20, 5 << 10)
            .Tensor("last", 0, Large, 1)
            .Build();
        long dataStart = (header.Length + 31) / 32 * 32;
        WriteSparse(path, header, dataStart + Large, BitConverter.GetBytes(1.5f));

        using GgufFile file = GgufFile.Open(path);
        CheckLast(file.GetTensor("large"), file.GetTensor("last"));
    }

    [Test]
    public void Safetensors_data_behind_five_gigabytes_is_reached()
    {
        string path = _folder.Combine("large.safetensors");
        byte[] header = Safetensors.SafetensorsFileTests.Build($$"""{"large":{"dtype":"I8","shape":[5120,1048576],"data_offsets":[0,{{Large}}] },"last":{"dtype":"F32","shape":[1],"data_offsets":[{{Large}},{{Large + 4}}] } }""", 0);
        WriteSparse(path, header, header.Length + Large, BitConverter.GetBytes(1.5f));

        using SafetensorsFile file = SafetensorsFile.Open(path);
        CheckLast(file.GetTensor("large"), file.GetTensor("last"));
    }

    [Test]
    public void File_that_shrinks_after_its_header_was_read_is_refused()
    {
        string path = _folder.Combine("m.gguf");
        File.WriteAllBytes(path, new GgufBuilder { Data = new byte[64] }.Tensor("t", 0, 0, 16).Build());
        using GgufFile file = GgufFile.Open(path);
        using (FileStream stream = File.OpenWrite(path))
        {
            stream.SetLength(stream.Length - 32);
        }

        Assert.That(() => file.GetTensor("t").CopyBytes(0, new byte[4]), Throws.TypeOf<ModelFormatException>().With.Message.Contains("its length changed from"));
    }

    private static void CheckLast(CheckpointTensor large, CheckpointTensor last)
    {
        Assert.That(large.ByteLength, Is.EqualTo(Large));
        Assert.That(last.Offset, Is.GreaterThan(Large));
        byte[] bytes = new byte[4];
        last.CopyBytes(0, bytes);
        Assert.That(BitConverter.ToSingle(bytes), Is.EqualTo(1.5f));
        large.CopyBytes(Large - 4, bytes);
        Assert.That(bytes, Is.All.Zero);
    }

    private static void WriteSparse(string path, byte[] header, long tailOffset, byte[] tail)
    {
        using FileStream stream = new(path, FileMode.CreateNew);
        stream.Write(header);
        stream.Position = tailOffset;
        stream.Write(tail);
    }
}
