using System.Runtime.InteropServices;
using Moesaic.Models.Checkpoints;
using Moesaic.Models.Checkpoints.Safetensors;

namespace Moesaic.Models.Tests.Decoder;

/// <summary>Reads the reference results beside a checkpoint.</summary>
internal sealed class ReferenceFile(string path) : IDisposable
{
    private readonly SafetensorsFile _file = SafetensorsFile.Open(path);

    /// <summary>[batch][tokens].</summary>
    public int[][] Ids(string name = "input_ids")
    {
        CheckpointTensor tensor = _file.GetTensor(name);
        long[] flat = new long[tensor.ElementCount];
        tensor.CopyBytes(0, MemoryMarshal.AsBytes(flat.AsSpan()));
        int cols = (int)tensor.Shape[^1];
        return [.. flat.Select(i => (int)i).Chunk(cols)];
    }

    /// <summary>[rows][vocabulary], batch and tokens flattened.</summary>
    public float[][] Rows(string name = "logits")
    {
        CheckpointTensor tensor = _file.GetTensor(name);
        float[] flat = new float[tensor.ElementCount];
        tensor.CopyBytes(0, MemoryMarshal.AsBytes(flat.AsSpan()));
        return [.. flat.Chunk((int)tensor.Shape[^1])];
    }

    public int Number(string name) => Ids(name)[0][0];

    public void Dispose() => _file.Dispose();
}
