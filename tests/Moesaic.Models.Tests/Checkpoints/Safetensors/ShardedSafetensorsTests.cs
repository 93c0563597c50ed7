using Moesaic.Models.Checkpoints;
using Moesaic.Models.Checkpoints.Safetensors;
using Moesaic.TestSupport;

namespace Moesaic.Models.Tests.Checkpoints.Safetensors;

/// <summary>Shards tied by an index are seen as one checkpoint; an index may not reach outside its folder.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class ShardedSafetensorsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    [SetUp]
    public void WriteFiles()
    {
        WriteShard("model-00001-of-00002.safetensors", ("a", 1f), ("c", 3f));
        WriteShard("model-00002-of-00002.safetensors", ("b", 2f));
    }

    public void Dispose() => _folder.Dispose();

    [Test]
    public void Tensors_of_all_shards_are_seen()
    {
        using ShardedSafetensors checkpoint = Open("""{"metadata":{"total_size":12},"weight_map":{"a":"model-00001-of-00002.safetensors","b":"model-00002-of-00002.safetensors"}}""");

        Assert.That(checkpoint.Tensors.Select(t => t.Name), Is.EqualTo(new[] { "a", "c", "b" }));
        byte[] bytes = new byte[4];
        checkpoint.GetTensor("b").CopyBytes(0, bytes);
        Assert.That(BitConverter.ToSingle(bytes), Is.EqualTo(2f));
        Assert.That(() => checkpoint.GetTensor("d"), Throws.TypeOf<ModelFormatException>().With.Message.Contains("d: the model needs this tensor"));
    }

    [TestCase("""{"weight_map":{"a":"model-00003-of-00003.safetensors"}}""", "1 of 1 shards are missing from the folder: model-00003-of-00003.safetensors")]
    [TestCase("""{"weight_map":{"b":"model-00001-of-00002.safetensors"}}""", "weight_map.b: the index places this tensor in model-00001-of-00002.safetensors, which does not hold it")]
    [TestCase("""{"weight_map":{"a":"../model-00001-of-00002.safetensors"}}""", "plain *.safetensors file name")]
    [TestCase("""{"weight_map":{"a":"/etc/x.safetensors"}}""", "plain *.safetensors file name")]
    [TestCase("""{"weight_map":{"a":"C:\\x.safetensors"}}""", "plain *.safetensors file name")]
    [TestCase("""{"weight_map":{"a":"..safetensors"}}""", "plain *.safetensors file name")]
    [TestCase("""{"weight_map":{"a":"pytorch_model.bin"}}""", "plain *.safetensors file name")]
    [TestCase("""{"weight_map":{"a":"x.safetensors","a":"x.safetensors"}}""", "weight_map.a: this tensor occurs twice")]
    [TestCase("""{"weight_map":{"a":1}}""", "weight_map.a: expected a file name")]
    [TestCase("""{"weight_map":{}}""", "missing or empty")]
    [TestCase("""{"metadata":{}}""", "missing or empty")]
    [TestCase("""{"weight_map":[]}""", "weight_map: expected an object")]
    [TestCase("""{"weight_map":{"a":"model-00001-of-00002.safetensors"},"weight_map":{}}""", "weight_map: this key occurs twice")]
    [TestCase("""[]""", "expected a JSON object")]
    [TestCase("""{""", "not valid JSON")]
    [TestCase("", "not valid JSON")]
    public void Wrong_index_is_refused(string index, string message)
    {
        Assert.That(() => Open(index), Throws.TypeOf<ModelFormatException>().With.Message.Contains("model.safetensors.index.json").And.Message.Contains(message));
    }

    [Test]
    public void Same_tensor_in_two_shards_is_refused()
    {
        WriteShard("model-00002-of-00002.safetensors", ("a", 2f), ("b", 2f));

        Assert.That(
            () => Open("""{"weight_map":{"a":"model-00001-of-00002.safetensors","b":"model-00002-of-00002.safetensors"}}"""),
            Throws.TypeOf<ModelFormatException>().With.Message.Contains("a: this tensor is also in"));
    }

    private ShardedSafetensors Open(string index)
    {
        string path = _folder.Combine("model.safetensors.index.json");
        File.WriteAllText(path, index);
        return ShardedSafetensors.Open(path);
    }

    private void WriteShard(string name, params (string Name, float Value)[] tensors)
    {
        using SafetensorsWriter writer = new(_folder.Combine(name), [.. tensors.Select(t => new SafetensorsTensorSpec(t.Name, ElementFormat.F32, 1))]);
        foreach ((string tensor, float value) in tensors)
        {
            writer.Write<float>(tensor, [value]);
        }

        writer.Complete();
    }
}
