using System.Collections.Immutable;
using Moesaic.Interop;

namespace Moesaic.Models.Decoder;

/// <summary>All small float32 vectors of a model in one buffer of the device.</summary>
internal sealed class VectorStore : IDisposable
{
    private const int AlignmentElements = 16;
    private readonly DeviceBuffer _buffer;
    private readonly Dictionary<VectorSource, Tensor> _vectors = [];
    private readonly Tensor[] _ropes;
    private readonly Tensor[] _originalRopes;

    public VectorStore(Device device, WeightPlan plan, ImmutableArray<RopeDescription> ropes)
    {
        long total = plan.Vectors.Keys.Sum(v => Padded(v.Length)) + ropes.Sum(r => 2 * Padded(r.InverseFrequencies.Length));
        float[] staged = new float[checked((int)total)];
        _buffer = DeviceBuffer.Create(device, Math.Max(1, total) * sizeof(float));
        try
        {
            int at = 0;
            foreach ((VectorSource source, Checkpoints.CheckpointTensor tensor) in plan.Vectors)
            {
                VectorReader.Read(source, tensor, staged.AsSpan(at, (int)source.Length));
                _vectors[source] = Place(ref at, (int)source.Length);
            }

            _ropes = new Tensor[ropes.Length];
            _originalRopes = new Tensor[ropes.Length];
            for (int i = 0; i < _ropes.Length; i++)
            {
                RopeDescription rope = ropes[i];
                rope.InverseFrequencies.CopyTo(staged.AsSpan(at));
                _ropes[i] = Place(ref at, rope.InverseFrequencies.Length);
                (rope.Original?.InverseFrequencies ?? rope.InverseFrequencies).CopyTo(staged.AsSpan(at));
                _originalRopes[i] = Place(ref at, rope.InverseFrequencies.Length);
            }

            using ComputeStream stream = ComputeStream.Create(device);
            _buffer.Upload<float>(stream, 0, staged);
            stream.Synchronize();
        }
        catch
        {
            _buffer.Dispose();
            throw;
        }
    }

    /// <summary>[1, length]; absent for null.</summary>
    public Tensor this[VectorSource? source] => source is null ? default : _vectors[source];

    /// <summary>[1, d / 2].</summary>
    /// <param name="rope">Index of the rope.</param>
    /// <param name="original">Whether those of the original context are meant.</param>
    public Tensor RopeFrequencies(int rope, bool original) => (original ? _originalRopes : _ropes)[rope];

    public void Dispose() => _buffer.Dispose();

    private static long Padded(long length) => (length + AlignmentElements - 1) / AlignmentElements * AlignmentElements;

    private Tensor Place(ref int at, int length)
    {
        Tensor tensor = Tensor.Dense(_buffer, 1, length, offsetBytes: (long)at * sizeof(float));
        at += (int)Padded(length);
        return tensor;
    }
}
