using System.Diagnostics;
using Moesaic.Models.Checkpoints;
using Moesaic.Models.Checkpoints.Safetensors;
using Moesaic.Models.Tokenizers;

namespace Moesaic.Models.Tests.Checkpoints;

/// <summary>A pipe in a model's folder is refused instead of waited for.</summary>
[Platform("Unix")]
public sealed class PipeTests
{
    private string _folder = string.Empty;

    [SetUp]
    public void CreateFolder() => _folder = Directory.CreateTempSubdirectory("moesaic").FullName;

    [TearDown]
    public void DeleteFolder() => Directory.Delete(_folder, recursive: true);

    [TestCase(false)]
    [TestCase(true)]
    public void Pipes_are_never_opened(bool throughLink)
    {
        string pipe = Path.Combine(_folder, throughLink ? "pipe" : "model.safetensors");
        using (Process made = Process.Start("mkfifo", pipe))
        {
            made.WaitForExit();
            Assert.That(made.ExitCode, Is.Zero);
        }

        string file = Path.Combine(_folder, "model.safetensors");
        if (throughLink)
        {
            File.CreateSymbolicLink(file, pipe);
        }

        File.CreateSymbolicLink(Path.Combine(_folder, "tokenizer.json"), pipe);
        Assert.That(() => SafetensorsFile.Open(file), Throws.TypeOf<ModelFormatException>());
        Assert.That(() => TokenizerLoader.Load(_folder), Throws.TypeOf<ModelFormatException>());
        Assert.That(() => ModelLocation.Resolve(file), Throws.TypeOf<ModelFormatException>());
    }
}
