using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Moesaic.Models.Checkpoints;
using Moesaic.Models.Decoder;

namespace Moesaic.Models.Synthetic;

/// <summary>
/// A checkpoint without a file: the tensors that a description needs, all reading random blocks from one pool a format.
/// The pool is as large as the largest tensor and is given back on dispose.
/// </summary>
internal sealed class SyntheticCheckpoint : ICheckpoint
{
    private const int Seed = 20260101;

    // Elements of a pool's period; the number of blocks in it is prime, so that rows and tensors differ.
    private static readonly Dictionary<int, int> s_periodBlocks = new() { [1] = 1048573, [32] = 32749, [64] = 16381, [256] = 4093 };

    private readonly Dictionary<string, CheckpointTensor> _byName = new(StringComparer.Ordinal);
    private readonly List<CheckpointTensor> _tensors = [];
    private readonly List<CheckpointFile> _files = [];

    private SyntheticCheckpoint(string name)
    {
        Path = name;
    }

    public string Path { get; }

    public IReadOnlyList<CheckpointFile> Files => _files;

    public IReadOnlyList<CheckpointTensor> Tensors => _tensors;

    /// <summary>Nothing in it, for describing a model before its tensors are known.</summary>
    public static SyntheticCheckpoint Empty(string name) => new(name);

    /// <summary>Every tensor of a description: matrices in a format, routers and vectors in float32 as real files have them.</summary>
    public static SyntheticCheckpoint Of(string name, DecoderDescription description, ElementFormat format, SyntheticQuantisation? quantisation = null)
    {
        SyntheticCheckpoint checkpoint = new(name);
        HashSet<string> routers = description.Layers.Select(l => l.FeedForward).OfType<MoeDescription>().Select(m => m.Router.Weight.Name).ToHashSet(StringComparer.Ordinal);
        List<(string Name, ElementFormat Format, ImmutableArray<long> Shape)> wanted =
        [
            .. DecoderTensors.Matrices(description, includeMtp: false).SelectMany(m => m.Slices)
                .SelectMany(s => quantisation is not null && SyntheticQuantisation.Takes(description, s.Tensor)
                    ? quantisation.PartsOf(s.Tensor, s.TensorShape)
                    : [(s.Tensor, routers.Contains(s.Tensor) ? ElementFormat.F32 : format, s.TensorShape)]),
            .. DecoderTensors.Vectors(description, includeMtp: false).Select(v => (v.Tensor, ElementFormat.F32, v.TensorShape)),
        ];
        foreach (IGrouping<ElementFormat, (string Name, ElementFormat Format, ImmutableArray<long> Shape)> group in wanted.DistinctBy(w => w.Name).GroupBy(w => w.Format))
        {
            checkpoint.AddPool(group.Key, [.. group.Select(w => (w.Name, w.Shape))]);
        }

        return checkpoint;
    }

    public bool TryGetTensor(string name, [NotNullWhen(true)] out CheckpointTensor? tensor) => _byName.TryGetValue(name, out tensor);

    public void Dispose()
    {
        foreach (CheckpointFile file in _files)
        {
            file.Dispose();
        }
    }

    private void AddPool(ElementFormat format, List<(string Name, ImmutableArray<long> Shape)> tensors)
    {
        _ = ElementFormats.TryGetBlock(format, out int elements, out int bytes);
        int periodBlocks = s_periodBlocks[elements];
        byte[] period = new byte[periodBlocks * bytes];
        RandomBlocks.Fill(period, format, new Random(Seed + (int)format));
        long largest = tensors.Max(t => Count(t.Shape) / elements * bytes);
        long length = largest + period.Length;
        CheckpointFile file = new($"{Path} ({ElementFormats.NameOf(format)} blocks)", length, new PoolMapper(period, length));
        _files.Add(file);
        for (int i = 0; i < tensors.Count; i++)
        {
            long count = Count(tensors[i].Shape);
            long offset = (long)i * 7919 % periodBlocks * bytes;
            CheckpointTensor tensor = new(tensors[i].Name, format, tensors[i].Shape, count, count / elements * bytes, offset, file);
            _tensors.Add(tensor);
            _byName.Add(tensor.Name, tensor);
        }
    }

    private static long Count(ImmutableArray<long> shape) => shape.Aggregate(1L, static (a, b) => checked(a * b));
}
