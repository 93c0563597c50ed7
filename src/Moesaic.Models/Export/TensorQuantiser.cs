using Moesaic.Interop;
using Moesaic.Models.Checkpoints;
using Moesaic.Models.Decoder;
using Moesaic.Models.Quantisation;

namespace Moesaic.Models.Export;

/// <summary>Rows of one tensor to blocks, by several threads; memory is bounded by a few rows a thread.</summary>
internal sealed class TensorQuantiser(ExportTensor tensor, TensorRows rows, ElementFormat format, ExportOptions options)
{
    private const int ChunkElements = 1 << 16;

    /// <summary>Squared error and squared values.</summary>
    public readonly record struct Error(double Squares, double Values)
    {
        public double Relative => Values > 0 ? Math.Sqrt(Squares / Values) : 0;
    }

    /// <param name="write">Takes the first byte's place within the tensor's data, and blocks.</param>
    /// <param name="advance">Takes how many elements are done.</param>
    /// <exception cref="ModelFormatException">A value is not finite, or too large for the format.</exception>
    public Error Run(Action<long, ReadOnlyMemory<byte>> write, Action<long> advance)
    {
        long chunkRows = Math.Max(1, ChunkElements / tensor.Cols);
        int chunks = checked((int)((tensor.Rows + chunkRows - 1) / chunkRows));
        Error[] errors = new Error[chunks];
        try
        {
            Parallel.For(0, chunks, Parallelism(), () => new Worker(this), (chunk, _, worker) =>
            {
                long first = chunk * chunkRows, count = Math.Min(chunkRows, tensor.Rows - first);
                errors[chunk] = worker.Run(first, count);
                write(first * worker.RowBytes, worker.Blocks.AsMemory(0, checked((int)(count * worker.RowBytes))));
                advance(count * tensor.Cols);
                return worker;
            }, static _ => { });
        }
        catch (AggregateException exception)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(exception.InnerExceptions[0]);
        }

        return Sum(errors);
    }

    /// <summary>The error over rows spread evenly; nothing is written.</summary>
    public Error Sample(int numRows)
    {
        Worker worker = new(this);
        long count = Math.Min(numRows, tensor.Rows);
        Error[] errors = new Error[count];
        for (long i = 0; i < count; i++)
        {
            options.Cancellation.ThrowIfCancellationRequested();
            errors[i] = worker.Run(i * tensor.Rows / count, 1);
        }

        return Sum(errors);
    }

    private ParallelOptions Parallelism() => new()
    {
        MaxDegreeOfParallelism = options.Threads > 0 ? options.Threads : Environment.ProcessorCount,
        CancellationToken = options.Cancellation,
    };

    private static Error Sum(Error[] errors) => new(errors.Sum(e => e.Squares), errors.Sum(e => e.Values));

    private sealed class Worker
    {
        private readonly TensorQuantiser _owner;
        private readonly BlockQuantiser _quantiser;
        private readonly LoadScratch _scratch = new();
        private readonly float[] _values;
        private readonly float[] _weights;
        private readonly float[] _written;

        public Worker(TensorQuantiser owner)
        {
            _owner = owner;
            _quantiser = BlockQuantiser.Create(owner.Format, owner.Options.SearchesScales);
            int cols = checked((int)owner.Tensor.Cols);
            RowBytes = cols / _quantiser.BlockElements * _quantiser.BlockBytes;
            int rows = (int)Math.Clamp(owner.Tensor.Rows, 1, Math.Max(1, ChunkElements / cols));
            Blocks = new byte[rows * RowBytes];
            _values = new float[rows * cols];
            _written = new float[cols];
            _weights = new float[cols];
            if (owner.Tensor.Matrix is not { } matrix || owner.Options.Importance?.TryGetWeights(matrix.Name, _weights) != true)
            {
                Array.Fill(_weights, 1);
            }
        }

        public int RowBytes { get; }

        public byte[] Blocks { get; }

        public Error Run(long firstRow, long numRows)
        {
            double squares = 0, values = 0;
            int cols = _written.Length;
            if (_owner.Rows.Blocks == _owner.Format)
            {
                // What is stored as such blocks already stays, bit for bit.
                _owner.Rows.ReadBlocks(firstRow, numRows, Blocks.AsSpan(0, checked((int)numRows * RowBytes)));
                return default;
            }

            _owner.Rows.Read(firstRow, numRows, _values.AsSpan(0, checked((int)numRows * cols)), _scratch);
            for (int i = 0; i < numRows; i++)
            {
                ReadOnlySpan<float> row = _values.AsSpan(i * cols, cols);
                Span<byte> blocks = Blocks.AsSpan(i * RowBytes, RowBytes);
                _quantiser.Quantise(row, _weights, blocks);
                Dequantizer.Dequantize((TensorFormat)_owner.Format, blocks, _written);
                for (int k = 0; k < cols; k++)
                {
                    double off = row[k] - _written[k];
                    squares += off * off;
                    values += (double)row[k] * row[k];
                }

                if (!double.IsFinite(squares))
                {
                    throw new ModelFormatException(_owner.Tensor.Name, $"row {firstRow + i}", $"its values reach {Most(row):G6}, which {ElementFormats.NameOf(_owner.Format)} cannot hold; take another type.");
                }
            }

            return new Error(squares, values);
        }

        private static float Most(ReadOnlySpan<float> row)
        {
            float most = 0;
            foreach (float value in row)
            {
                most = Math.Max(most, Math.Abs(value));
            }

            return most;
        }
    }

    private ExportTensor Tensor => tensor;

    private TensorRows Rows => rows;

    private ElementFormat Format => format;

    private ExportOptions Options => options;
}
