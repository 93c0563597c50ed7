using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using Moesaic.Models.Checkpoints;
using Moesaic.Models.Synthetic;

namespace Moesaic.Models.Tests.Decoder;

/// <summary>Tensors that lie in memory, for models that no file has.</summary>
internal sealed class EditedCheckpoint : ICheckpoint
{
    private readonly Dictionary<string, CheckpointTensor> _tensors = new(StringComparer.Ordinal);

    public string Path => "edited";

    public IReadOnlyList<CheckpointFile> Files => [.. _tensors.Values.Select(t => t.File)];

    public IReadOnlyList<CheckpointTensor> Tensors => [.. _tensors.Values];

    /// <summary>All tensors of another checkpoint, copied.</summary>
    public static EditedCheckpoint CopyOf(ICheckpoint other)
    {
        EditedCheckpoint copy = new();
        foreach (CheckpointTensor tensor in other.Tensors)
        {
            copy.Set(tensor.Name, tensor.Format, tensor.Shape, BytesOf(tensor));
        }

        return copy;
    }

    public static byte[] BytesOf(CheckpointTensor tensor)
    {
        byte[] bytes = new byte[tensor.ByteLength];
        tensor.CopyBytes(0, bytes);
        return bytes;
    }

    public void Set(string name, ElementFormat format, ImmutableArray<long> shape, byte[] bytes)
    {
        CheckpointFile file = new(name, bytes.Length, new PoolMapper(bytes, bytes.Length));
        _tensors[name] = new CheckpointTensor(name, format, shape, shape.Aggregate(1L, (a, b) => a * b), bytes.Length, 0, file);
    }

    public void Set(string name, ImmutableArray<long> shape, float[] values) =>
        Set(name, ElementFormat.F32, shape, MemoryMarshal.AsBytes(values.AsSpan()).ToArray());

    public void Remove(string name) => _tensors.Remove(name);

    public bool TryGetTensor(string name, [NotNullWhen(true)] out CheckpointTensor? tensor) => _tensors.TryGetValue(name, out tensor);

    public void Dispose()
    {
        foreach (CheckpointTensor tensor in _tensors.Values)
        {
            tensor.File.Dispose();
        }
    }
}
