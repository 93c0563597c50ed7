using Moesaic.Models.Checkpoints;
using Moesaic.Models.Embedded;
using Moesaic.Models.Tests.Checkpoints.Gguf;
using Moesaic.TestSupport;

namespace Moesaic.Models.Tests.Checkpoints;

/// <summary>The one path a user names leads to the model's files, or to an error that says what to do.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class ModelLocationTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Test]
    public void Hugging_face_folder_is_found_with_its_files()
    {
        Write("config.json", "model.safetensors", "tokenizer.json", "chat_template.jinja", "pytorch_model.bin", "other.gguf");
        ModelLocation location = ModelLocation.Resolve(_folder.Path);

        Assert.That(location.Kind, Is.EqualTo(ModelKind.HuggingFace));
        Assert.That(location.WeightsPath, Is.EqualTo(_folder.Combine("model.safetensors")));
        Assert.That(location.Files!.Config, Is.EqualTo(_folder.Combine("config.json")));
        Assert.That(location.Files!.ChatTemplate, Is.EqualTo(_folder.Combine("chat_template.jinja")));
        Assert.That(location.Files!.GenerationConfig, Is.Null);
    }

    [Test]
    public void Shards_are_found_by_their_index()
    {
        Write("config.json", "model.safetensors.index.json", "model-00001-of-00002.safetensors");

        Assert.That(ModelLocation.Resolve(_folder.Path).WeightsPath, Is.EqualTo(_folder.Combine("model.safetensors.index.json")));
    }

    [Test]
    public void Single_gguf_in_a_folder_is_taken([Values] bool split)
    {
        Write("config.json", split ? "m-00001-of-00002.gguf" : "m.gguf", split ? "m-00002-of-00002.gguf" : "README.md");
        ModelLocation location = ModelLocation.Resolve(_folder.Path);

        Assert.That(location.Kind, Is.EqualTo(ModelKind.Gguf));
        Assert.That(location.WeightsPath, Is.EqualTo(_folder.Combine(split ? "m-00001-of-00002.gguf" : "m.gguf")));
        Assert.That(location.Files, Is.Null);
    }

    [Test]
    public void Gguf_is_known_by_its_magic_whatever_its_name()
    {
        string path = _folder.Combine("blob");
        File.WriteAllBytes(path, new GgufBuilder().Pair("general.architecture", "x").Build());

        using ICheckpoint checkpoint = ModelLocation.Resolve(path).OpenCheckpoint();
        Assert.That(checkpoint.Tensors, Is.Empty);
    }

    [TestCase(new[] { "a.gguf", "b.gguf" }, "2 GGUF models; name one of them: a.gguf, b.gguf")]
    [TestCase(new[] { "a-00002-of-00002.gguf" }, "not the first one")]
    [TestCase(new[] { "config.json", "pytorch_model.bin" }, "pickles, which can run any code when opened and are not read. Convert them to safetensors")]
    [TestCase(new[] { "consolidated.00.pth" }, "pickles")]
    [TestCase(new[] { "config.json", "consolidated.safetensors" }, "(consolidated.safetensors, ...) but neither model.safetensors nor")]
    [TestCase(new[] { "model.safetensors" }, "no config.json")]
    [TestCase(new[] { "config.json" }, "no model weights; expected a folder with config.json and model.safetensors, or a GGUF file")]
    [TestCase(new string[0], "no model weights")]
    public void Folder_without_exactly_one_model_is_refused(string[] files, string message)
    {
        Write(files);

        Assert.That(() => ModelLocation.Resolve(_folder.Path), Throws.TypeOf<ModelFormatException>().With.Message.Contains(message));
    }

    [TestCase("model.safetensors", "name the folder instead")]
    [TestCase("config.json", "name the folder instead")]
    [TestCase("medusa_lm_head.pt", "pickles")]
    [TestCase("model.onnx", "does not start with the GGUF magic")]
    public void File_that_is_no_model_is_refused(string file, string message)
    {
        Write(file);

        Assert.That(() => ModelLocation.Resolve(_folder.Combine(file)), Throws.TypeOf<ModelFormatException>().With.Message.Contains(message));
    }

    [Test]
    public void Absent_path_is_refused()
    {
        Assert.That(() => ModelLocation.Resolve(_folder.Combine("nowhere")), Throws.TypeOf<ModelFormatException>().With.Message.Contains("there is no such file or folder"));
    }

    [Test]
    public void Embedded_model_lies_beside_the_program()
    {
        using ICheckpoint checkpoint = ModelLocation.Resolve(EmbeddedModel.Path).OpenCheckpoint();

        Assert.That(checkpoint.GetTensor("token_embd.weight").Shape, Is.EqualTo(new long[] { 8192, 256 }));
    }

    private void Write(params string[] names) => Array.ForEach(names, name => File.WriteAllText(_folder.Combine(name), "{}"));
}
