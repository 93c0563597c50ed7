using Moesaic.Interop;

namespace Moesaic.Engine.Benchmarking;

/// <summary>Draws the likeliest token of every row of a step and brings it to the host, as generation does.</summary>
internal sealed class GreedyRows : IDisposable
{
    private readonly DeviceBuffer _results;
    private readonly SamplingRows _rows;
    private readonly int[] _ids;
    private readonly int _vocabularySize;
    private readonly int _capacity;

    public GreedyRows(Device device, int capacity, int vocabularySize)
    {
        _capacity = capacity;
        _vocabularySize = vocabularySize;
        _ids = new int[capacity];
        _rows = new SamplingRows(capacity);
        for (int i = 0; i < capacity; i++)
        {
            _rows.Set(i, new SamplingRow());
        }

        _results = DeviceBuffer.Create(device, 2L * capacity * sizeof(int));
    }

    public void Draw(ComputeStream stream, in Tensor logits)
    {
        int rows = (int)logits.Rows;
        stream.Sample(new SampleParams
        {
            Logits = logits,
            VocabularySize = _vocabularySize,
            Rows = _rows,
            Ids = Tensor.Dense(_results, rows, 1, TensorFormat.I32),
            Logprobs = Tensor.Dense(_results, rows, 1, TensorFormat.F32, (long)_capacity * sizeof(int)),
        });
        _results.Download(stream, 0, _ids.AsSpan(0, rows));
    }

    public void Dispose() => _results.Dispose();
}
