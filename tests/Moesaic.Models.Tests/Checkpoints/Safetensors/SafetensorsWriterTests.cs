using System.Runtime.InteropServices;
using Moesaic.Models.Checkpoints;
using Moesaic.Models.Checkpoints.Safetensors;
using Moesaic.TestSupport;

namespace Moesaic.Models.Tests.Checkpoints.Safetensors;

/// <summary>What the writer streams is read back whole; an unfinished file never appears under its name.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class SafetensorsWriterTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string OutputPath => _folder.Combine("out.safetensors");

    public void Dispose() => _folder.Dispose();

    [Test]
    public void Rows_streamed_in_turn_are_read_back()
    {
        using (SafetensorsWriter writer = new(OutputPath, [new("logits", ElementFormat.F32, 1, 2, 3), new("input_ids", ElementFormat.I64, 1, 2)], new Dictionary<string, string> { ["made by"] = "\"test\"" }))
        {
            writer.Write<float>("logits", [1, 2, 3]);
            writer.Write<long>("input_ids", [7]);
            writer.Write<float>("logits", [4, 5, 6]);
            writer.Write<long>("input_ids", [-8]);
            Assert.That(File.Exists(OutputPath), Is.False);
            writer.Complete();
        }

        using SafetensorsFile file = SafetensorsFile.Open(OutputPath);
        Assert.That(file.Metadata["made by"], Is.EqualTo("\"test\""));
        Assert.That(file.GetTensor("logits").Shape, Is.EqualTo(new long[] { 1, 2, 3 }));
        Assert.That(Read<float>(file.GetTensor("logits")), Is.EqualTo(new float[] { 1, 2, 3, 4, 5, 6 }));
        Assert.That(Read<long>(file.GetTensor("input_ids")), Is.EqualTo(new long[] { 7, -8 }));
        Assert.That(file.GetTensor("logits").Offset % 8, Is.Zero);
        Assert.That(Directory.GetFiles(_folder.Path), Has.Length.EqualTo(1));
    }

    [Test]
    public void Unfinished_file_is_removed()
    {
        using (SafetensorsWriter writer = new(OutputPath, [new("t", ElementFormat.F32, 2)]))
        {
            writer.Write<float>("t", [1]);
            Assert.That(writer.Complete, Throws.InvalidOperationException.With.Message.EqualTo("'t' lacks 4 bytes."));
        }

        Assert.That(Directory.GetFiles(_folder.Path), Is.Empty);
    }

    [Test]
    public void Wrong_writes_are_refused()
    {
        using SafetensorsWriter writer = new(OutputPath, [new("t", ElementFormat.F32, 2)]);

        Assert.That(() => writer.Write<float>("u", [1]), Throws.ArgumentException);
        Assert.That(() => writer.Write<long>("t", [1]), Throws.ArgumentException);
        Assert.That(() => writer.Write<float>("t", [1, 2, 3]), Throws.ArgumentException);
    }

    private static T[] Read<T>(CheckpointTensor tensor)
        where T : unmanaged
    {
        T[] values = new T[tensor.ElementCount];
        tensor.CopyBytes(0, MemoryMarshal.AsBytes(values.AsSpan()));
        return values;
    }
}
