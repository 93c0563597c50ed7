using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Moesaic.Models.Checkpoints;
using Moesaic.Models.Tests.Decoder;

namespace Moesaic.Models.Tests.Families.Reference;

/// <summary>
/// The tensors of a <see cref="PlainModel"/>: those of a checkpoint, or made up, the same for the same name, whenever the model
/// first asks. What it asked for, and nothing else, becomes the checkpoint that the program loads.
/// </summary>
internal sealed class PlainWeights(ICheckpoint? source = null)
{
    private readonly Dictionary<string, (long[] Shape, float[] Values)> _tensors = new(StringComparer.Ordinal);

    /// <summary>What made-up norms lie around.</summary>
    public float NormCentre { get; init; } = 1;

    /// <summary>Names and shapes of all tensors that were asked for.</summary>
    public IEnumerable<(string Name, long[] Shape, float[] Values)> All => _tensors.Select(t => (t.Key, t.Value.Shape, t.Value.Values));

    public float[] Get(string name, params long[] shape)
    {
        if (!_tensors.TryGetValue(name, out (long[] Shape, float[] Values) found))
        {
            found = (shape, source is null ? MakeUp(name, shape) : Read(source.GetTensor(name), shape));
            _tensors.Add(name, found);
        }

        Assert.That(found.Shape, Is.EqualTo(shape), name);
        return found.Values;
    }

    /// <summary>Replaces the values of a tensor.</summary>
    public void Set(string name, float[] values)
    {
        Assert.That(values, Has.Length.EqualTo(_tensors[name].Values.Length), name);
        _tensors[name] = (_tensors[name].Shape, values);
    }

    /// <summary>The tensors as a checkpoint of bf16.</summary>
    public EditedCheckpoint ToCheckpoint()
    {
        EditedCheckpoint checkpoint = new();
        foreach ((string name, long[] shape, float[] values) in All)
        {
            checkpoint.Set(name, ElementFormat.BF16, [.. shape], [.. values.SelectMany(v => BitConverter.GetBytes((ushort)(BitConverter.SingleToUInt32Bits(v) >> 16)))]);
        }

        return checkpoint;
    }

    private float[] MakeUp(string name, long[] shape)
    {
        // FNV-1a: strings have no hash that stays the same from run to run.
        Random random = new(name.Aggregate(unchecked((int)2166136261), (hash, c) => unchecked((hash ^ c) * 16777619)));
        bool isNorm = shape.Length == 1 && name.Contains("norm", StringComparison.Ordinal);
        double centre = isNorm ? NormCentre : 0;
        double width = shape.Length == 1 ? 0.25 : Math.Sqrt(3.0 / shape[^1]) * (name.Contains("embed", StringComparison.Ordinal) ? 4 : 1);
        return [.. Enumerable.Range(0, (int)shape.Aggregate((a, b) => a * b)).Select(_ => Round(centre + (((2 * random.NextDouble()) - 1) * width)))];
    }

    private static float Round(double value) => BitConverter.UInt32BitsToSingle(BitConverter.SingleToUInt32Bits((float)value) & 0xFFFF0000);

    private static float[] Read(CheckpointTensor tensor, long[] shape)
    {
        Assert.That(tensor.Shape, Is.EqualTo(shape), tensor.Name);
        byte[] bytes = EditedCheckpoint.BytesOf(tensor);
        return tensor.Format == ElementFormat.F32
            ? MemoryMarshal.Cast<byte, float>(bytes).ToArray()
            : [.. Enumerable.Range(0, bytes.Length / 2).Select(i => BitConverter.UInt32BitsToSingle((uint)BinaryPrimitives.ReadUInt16LittleEndian(bytes.AsSpan(2 * i)) << 16))];
    }
}
