using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Moesaic.Interop;
using Moesaic.Models.Checkpoints;
using Moesaic.Models.Checkpoints.Safetensors;
using Moesaic.Models.Configurations;
using Moesaic.Models.Decoder;
using Moesaic.Models.Families;
using Moesaic.Models.Tests.Decoder;
using Moesaic.TestSupport;

namespace Moesaic.Models.Tests.Families.Reference;

/// <summary>A fixture's configuration with other values, and what the program makes of it.</summary>
internal static class Variant
{
    /// <summary>A fixture's configuration, changed: keys of <paramref name="edits"/> replace its own, null removes them, "null" writes a null.</summary>
    public static JsonObject Config(string fixture, string edits = "{}")
    {
        JsonObject config = JsonNode.Parse(File.ReadAllText(TestPaths.Shared("fixtures", fixture, "config.json")))!.AsObject();
        foreach ((string key, JsonNode? value) in JsonNode.Parse(edits)!.AsObject())
        {
            config.Remove(key);
            if (value is not null)
            {
                config[key] = value.GetValueKind() == JsonValueKind.String && value.GetValue<string>() == "null" ? null : value.DeepClone();
            }
        }

        return config;
    }

    /// <summary>Made-up tokens.</summary>
    public static int[] Ids(int count, int vocabulary) => [.. Enumerable.Range(0, count).Select(i => ((i * 37) + (i * i % 11) + 5) % vocabulary)];

    public static DecoderDescription Describe(JsonObject config, ICheckpoint checkpoint) =>
        ModelFamilies.Describe(HuggingFaceConfig.Parse(Encoding.UTF8.GetBytes(config.ToJsonString()), "config.json"), checkpoint);

    /// <summary>Logits by sequence and position, at reference precision unless told otherwise, of the main model and of the prediction layer.</summary>
    public static (float[][][] Main, float[][][] Predicted) Logits(
        DecoderDescription description,
        ICheckpoint checkpoint,
        int[][] ids,
        Func<int[][], IEnumerable<IReadOnlyList<Piece>>>? steps = null,
        LatentForm form = LatentForm.Absorbed,
        List<ExpandedWeights>? announced = null,
        ExecutorOptions? options = null)
    {
        bool mtp = !description.MtpLayers.IsEmpty;
        using Device device = Device.Open(new DeviceOptions { NumThreads = 2 });
        using LoadedDecoder decoder = DecoderLoader.Load(device, LoadPlan.Create(description, checkpoint, mtp, form), new LoadOptions { Announce = announced is null ? null : announced.Add });
        using DecoderExecutor executor = new(decoder, (options ?? DecoderFixture.Reference) with
        {
            MaxContext = Math.Min(description.ContextLength, 1024),
            MaxTokens = 512,
            MaxLogitRows = 512,
            MaxSequences = 8,
            PageTokens = 16,
            UseMtp = mtp,
        });
        SequenceRunner runner = new(executor, ids);
        runner.Run(steps?.Invoke(ids) ?? SequenceRunner.Alone(ids, 512), mtp);
        return (runner.Logits, runner.MtpLogits);
    }

    /// <summary>Writes the configuration, and tensors as bf16, as a Hugging Face folder.</summary>
    public static void Save(string folder, JsonObject config, PlainWeights weights)
    {
        File.WriteAllText(Path.Combine(folder, "config.json"), config.ToJsonString());
        (string Name, long[] Shape, float[] Values)[] tensors = [.. weights.All];
        using SafetensorsWriter writer = new(Path.Combine(folder, "model.safetensors"), [.. tensors.Select(t => new SafetensorsTensorSpec(t.Name, ElementFormat.BF16, t.Shape))]);
        foreach ((string name, _, float[] values) in tensors)
        {
            writer.Write<ushort>(name, Array.ConvertAll(values, v => (ushort)(BitConverter.SingleToUInt32Bits(v) >> 16)));
        }

        writer.Complete();
    }

    /// <summary>Normalised mean-square error of one sequence's logits.</summary>
    public static double Nmse(float[][] found, double[][] expected) => LogitsMeasure.Nmse(found, expected.Select(row => Array.ConvertAll(row, v => (float)v)));
}
