using Moesaic.Models.Checkpoints;
using Moesaic.Models.Checkpoints.Gguf;
using Moesaic.TestSupport;

namespace Moesaic.Models.Tests.Checkpoints.Gguf;

/// <summary>Models split over several files are opened whole from any part, and inconsistent sets are refused.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class GgufSplitTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Test]
    public void All_parts_are_seen_whichever_is_named([Values(1, 3)] int named)
    {
        for (int part = 1; part <= 3; part++)
        {
            WritePart(part, 3, $"t{part}", (byte)part);
        }

        using GgufFile file = GgufFile.Open(PartPath(named, 3));

        Assert.That(file.Files, Has.Count.EqualTo(3));
        Assert.That(file.Tensors.Select(t => t.Name), Is.EqualTo(new[] { "t1", "t2", "t3" }));
        Assert.That(file.Metadata.GetString("general.name"), Is.EqualTo("part 1"));
        byte[] bytes = new byte[4];
        file.GetTensor("t3").CopyBytes(0, bytes);
        Assert.That(bytes, Is.All.EqualTo(3));
    }

    [Test]
    public void Missing_part_is_named()
    {
        WritePart(1, 2, "t1", 1);

        Assert.That(() => GgufFile.Open(PartPath(1, 2)), Throws.TypeOf<ModelFormatException>()
            .With.Message.Contains("model-00002-of-00002.gguf: split.count: part 2 of 2 is missing"));
    }

    [Test]
    public void Renamed_part_is_refused()
    {
        WritePart(1, 2, "t1", 1);
        File.Move(PartPath(1, 2), Path.Combine(_folder.Path, "model.gguf"));

        Assert.That(() => GgufFile.Open(Path.Combine(_folder.Path, "model.gguf")), Throws.TypeOf<ModelFormatException>()
            .With.Message.Contains("its name must end in -00001-of-00002.gguf"));
    }

    [Test]
    public void Swapped_parts_are_refused()
    {
        WritePart(1, 2, "t1", 1);
        File.Copy(PartPath(1, 2), PartPath(2, 2));

        Assert.That(() => GgufFile.Open(PartPath(1, 2)), Throws.TypeOf<ModelFormatException>()
            .With.Message.Contains("by its name this is part 2 of 2, by its header part 1 of 2"));
    }

    [Test]
    public void Same_tensor_in_two_parts_is_refused()
    {
        WritePart(1, 2, "t", 1);
        WritePart(2, 2, "t", 2);

        Assert.That(() => GgufFile.Open(PartPath(1, 2)), Throws.TypeOf<ModelFormatException>().With.Message.Contains("t: this tensor is also in"));
    }

    [Test]
    public void Announced_number_of_tensors_is_checked()
    {
        WritePart(1, 2, "t1", 1, announced: 5);
        WritePart(2, 2, "t2", 2, announced: 5);

        Assert.That(() => GgufFile.Open(PartPath(1, 2)), Throws.TypeOf<ModelFormatException>().With.Message.Contains("2 tensors together, the header announces 5"));
    }

    private string PartPath(int part, int count) => Path.Combine(_folder.Path, $"model-{part:d5}-of-{count:d5}.gguf");

    private void WritePart(int part, int count, string tensor, byte fill, int announced = 0)
    {
        byte[] data = new byte[32];
        Array.Fill(data, fill);
        File.WriteAllBytes(PartPath(part, count), new GgufBuilder { Data = data }
            .Pair("general.name", $"part {part}")
            .Pair("split.no", GgufValueType.UInt16, w => w.Write((ushort)(part - 1)))
            .Pair("split.count", GgufValueType.UInt16, w => w.Write((ushort)count))
            .Pair("split.tensors.count", GgufValueType.Int32, w => w.Write(announced == 0 ? count : announced))
            .Tensor(tensor, 0, 0, 8)
            .Build());
    }
}
