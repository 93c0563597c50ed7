using System.Text.Json;
using Moesaic.Models.Checkpoints;
using Moesaic.Models.Checkpoints.Safetensors;
using Moesaic.TestSupport;

namespace Moesaic.Cli.Tests;

/// <summary>embed: vectors of texts and of ids, and what the other verbs say about an encoder.</summary>
public sealed class EmbedTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Test]
    public void Ids_with_a_mask_give_the_reference()
    {
        string model = TestPaths.Shared("fixtures", "bert");
        using SafetensorsFile reference = SafetensorsFile.Open(Path.Combine(model, "reference.safetensors"));
        string ids = Write("ids.json", $"{{\"ids\":{Rows(reference, "input_ids")},\"attention_mask\":{Rows(reference, "attention_mask")}}}");
        string output = Path.Combine(_folder.Path, "out.safetensors");
        ProgramRun run = ProgramRun.Of("embed", "--model", model, "--ids", ids, "--output", output, "--hidden-states", "--precision", "reference");
        Assert.That((run.ExitCode, run.Output, run.Error), Is.EqualTo((0, "", "")));
        using SafetensorsFile written = SafetensorsFile.Open(output);
        float[] found = Values<float>(written.GetTensor("embeddings")), expected = Values<float>(reference.GetTensor("mean_pooled_normalised"));
        Assert.That(written.GetTensor("embeddings").Shape, Is.EqualTo(new long[] { 2, 64 }));
        Assert.That(found, Is.EqualTo(expected).Within(1e-5));
        float[] hidden = Values<float>(written.GetTensor("last_hidden_state"));
        Assert.That(written.GetTensor("last_hidden_state").Shape, Is.EqualTo(new long[] { 2, 48, 64 }));
        Assert.That(hidden[..(79 * 64)], Is.EqualTo(Values<float>(reference.GetTensor("last_hidden_state"))[..(79 * 64)]).Within(1e-4));
        Assert.That(hidden[(79 * 64)..], Has.All.Zero);
    }

    [Test]
    public void Arguments_lines_of_a_file_and_ids_give_the_same()
    {
        string model = SmallEncoder.Write(_folder.Path);
        string[] arguments = Lines("embed", "--model", model, "a river", "Stones.");
        Assert.That(arguments, Has.Length.EqualTo(2));
        Assert.That(arguments[0].Split(' '), Has.Length.EqualTo(SmallEncoder.Dimensions));
        Assert.That(Lines("embed", "--model", model, "--prompt-file", Write("texts", "a river\r\nStones.\n")), Is.EqualTo(arguments));
        Assert.That(Lines("embed", "--model", model, "--ids", Write("ids.json", "{\"ids\":[[1,9,4,2],[1,5,6,11,2]]}")), Is.EqualTo(arguments));
        using JsonDocument json = JsonDocument.Parse(Lines("embed", "--model", model, "--json", "a river", "Stones.")[0]);
        Assert.That(json.RootElement.GetProperty("tokens").GetInt32(), Is.EqualTo(9));
        Assert.That(json.RootElement.GetProperty("embeddings").GetArrayLength(), Is.EqualTo(2));
    }

    [TestCase("--model is missing")]
    [TestCase("ids[0][1] must be a token id", "--ids", "{\"ids\":[[1,\"x\"]]}")]
    [TestCase("ids[0]: token 1 is 99", "--ids", "{\"ids\":[[1,99]]}")]
    [TestCase("1 after a 0", "--ids", "{\"ids\":[[1,4,2]],\"attention_mask\":[[1,0,1]]}")]
    [TestCase("leaves no token", "--ids", "{\"ids\":[[1]],\"attention_mask\":[[0]]}")]
    [TestCase("must have 1 rows", "--ids", "{\"ids\":[[1]],\"attention_mask\":[]}")]
    [TestCase("--hidden-states needs --output", "water", "--hidden-states")]
    [TestCase("an encoder keeps no cache", "water", "--kv-format", "f32")]
    public void What_cannot_be_embedded_is_exit_code_2(string named, params string[] arguments)
    {
        string model = SmallEncoder.Write(_folder.Path);
        arguments = [.. arguments.Select(a => a.StartsWith('{') ? Write("ids.json", a) : a)];
        ProgramRun run = ProgramRun.Of(arguments.Length == 0 ? ["embed", "water"] : ["embed", "--model", model, .. arguments]);
        Assert.That((run.ExitCode, run.Output), Is.EqualTo((2, "")), run.Error);
        Assert.That(run.Error, Does.Contain(named));
    }

    [Test]
    public void Other_verbs_say_what_an_encoder_is_for()
    {
        string model = SmallEncoder.Write(_folder.Path);
        ProgramRun generate = ProgramRun.Of("generate", "--model", model, "a river");
        Assert.That((generate.ExitCode, generate.Output), Is.EqualTo((3, "")));
        Assert.That(generate.Error, Does.Contain("is an encoder: it makes embeddings (moesaic embed"));
        using JsonDocument json = JsonDocument.Parse(Lines("inspect", "--json", model)[0]);
        Assert.That(json.RootElement.GetProperty("kind").GetString(), Is.EqualTo("encoder"));
        Assert.That(json.RootElement.GetProperty("dimensions").GetInt32(), Is.EqualTo(SmallEncoder.Dimensions));
        Assert.That(json.RootElement.GetProperty("pooling").GetString(), Is.EqualTo("mean"));
    }

    private static string[] Lines(params string[] arguments)
    {
        ProgramRun run = ProgramRun.Of(arguments);
        Assert.That((run.ExitCode, run.Error), Is.EqualTo((0, "")));
        return run.Lines;
    }

    private static string Rows(SafetensorsFile file, string name) =>
        JsonSerializer.Serialize(Values<long>(file.GetTensor(name)).Chunk((int)file.GetTensor(name).Shape[1]));

    private static T[] Values<T>(CheckpointTensor tensor)
        where T : unmanaged
    {
        T[] values = new T[tensor.ElementCount];
        tensor.CopyBytes(0, System.Runtime.InteropServices.MemoryMarshal.AsBytes(values.AsSpan()));
        return values;
    }

    private string Write(string name, string text)
    {
        string path = Path.Combine(_folder.Path, name);
        File.WriteAllText(path, text);
        return path;
    }
}
