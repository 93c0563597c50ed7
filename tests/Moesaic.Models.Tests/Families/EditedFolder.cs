using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using Moesaic.Models.Checkpoints;
using Moesaic.Models.Checkpoints.Safetensors;
using Moesaic.Models.Decoder;
using Moesaic.Models.Families;
using Moesaic.Models.Tests.Decoder;
using Moesaic.TestSupport;

namespace Moesaic.Models.Tests.Families;

/// <summary>A copy of a fixture's folder with another configuration, and tensors under other names.</summary>
internal sealed class EditedFolder : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    /// <param name="fixture">Name of the fixture.</param>
    /// <param name="edit">Changes the configuration, or returns another one.</param>
    /// <param name="rename">New name of a tensor, all of bf16; null: the tensors stay as they are.</param>
    /// <param name="extra">Names of small tensors to add.</param>
    public EditedFolder(string fixture, Func<JsonObject, JsonObject> edit, Func<string, string>? rename = null, params string[] extra)
    {
        string source = TestPaths.Shared("fixtures", fixture);
        JsonObject config = JsonNode.Parse(File.ReadAllText(System.IO.Path.Combine(source, "config.json")))!.AsObject();
        File.WriteAllText(_folder.Combine("config.json"), edit(config).ToJsonString(new JsonSerializerOptions { WriteIndented = true }));
        string weights = System.IO.Path.Combine(source, "model.safetensors");
        if (rename is null)
        {
            File.CreateSymbolicLink(_folder.Combine("model.safetensors"), weights);
            return;
        }

        using SafetensorsFile file = SafetensorsFile.Open(weights);
        SafetensorsTensorSpec[] specs = [.. file.Tensors.Select(t => new SafetensorsTensorSpec(rename(t.Name), t.Format, t.Shape)), .. extra.Select(e => new SafetensorsTensorSpec(e, ElementFormat.F32, 2L))];
        using SafetensorsWriter writer = new(_folder.Combine("model.safetensors"), specs);
        foreach (CheckpointTensor tensor in file.Tensors)
        {
            writer.Write<ushort>(rename(tensor.Name), MemoryMarshal.Cast<byte, ushort>(EditedCheckpoint.BytesOf(tensor)));
        }

        foreach (string name in extra)
        {
            writer.Write<float>(name, [1, 2]);
        }

        writer.Complete();
    }

    public string Path => _folder.Path;

    /// <summary>The description of the edited model.</summary>
    public DecoderDescription Describe()
    {
        using OpenedModel model = OpenedModel.Open(Path);
        LoadPlan.Create(model.Description, model.Checkpoint);
        return model.Description;
    }

    /// <summary>Logits by sequence and position at reference precision.</summary>
    public float[][][] Logits(int[][] ids, int? maxContext = null)
    {
        using DecoderFixture fixture = new(Path);
        return LogitsOf(fixture, ids, maxContext);
    }

    public static float[][][] LogitsOf(DecoderFixture fixture, int[][] ids, int? maxContext = null)
    {
        using DecoderExecutor executor = fixture.Executor(DecoderFixture.Reference with { MaxContext = maxContext });
        SequenceRunner runner = new(executor, ids);
        runner.Run(SequenceRunner.Alone(ids, 64));
        return runner.Logits;
    }

    public void Dispose() => _folder.Dispose();
}
