using System.Collections.Immutable;
using Moesaic.Interop;
using Moesaic.Models.Checkpoints;

namespace Moesaic.Models.Decoder;

/// <summary>
/// Fills a device's weights from a mapped checkpoint: in file order, on several threads, slice by slice, giving the file's
/// pages back as it goes, so that resident memory stays near the size of the weights.
/// </summary>
public static class DecoderLoader
{
    /// <summary>Bytes of one piece of work, as stored or as expanded.</summary>
    private const long ChunkBytes = 4 << 20;

    /// <summary>Rows of a chunk are a multiple of this, so that threads do not share a row group of the packed layout.</summary>
    private const long RowMultiple = 64;

    /// <summary>Loads a planned decoder.</summary>
    /// <exception cref="ModelFormatException">A tensor cannot be used.</exception>
    /// <exception cref="NativeException">The device is out of memory.</exception>
    /// <exception cref="OperationCanceledException">The load was cancelled.</exception>
    public static LoadedDecoder Load(Device device, LoadPlan plan, LoadOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(plan);
        LoadedWeights loaded = LoadWeights(device, plan, plan.Description.Ropes, options ?? new LoadOptions());
        try
        {
            return new LoadedDecoder(device, plan, loaded.Matrices, loaded.Vectors, loaded.Expanded);
        }
        catch
        {
            loaded.Dispose();
            throw;
        }
    }

    /// <summary>Loads the weights of any plan; as <see cref="Load"/>.</summary>
    internal static LoadedWeights LoadWeights(Device device, WeightPlan plan, ImmutableArray<RopeDescription> ropes, LoadOptions options)
    {
        ImmutableArray<ExpandedWeights> expanded = FindExpanded(device, plan);
        foreach (ExpandedWeights weights in expanded)
        {
            options.Announce?.Invoke(weights);
        }

        Dictionary<MatrixSource, Weight> created = [];
        VectorStore? vectors = null;
        try
        {
            List<LoadChunk> chunks = [];
            foreach (PlannedMatrix matrix in plan.Matrices)
            {
                WeightForm? form = FormOf(device, plan, matrix);
                Weight weight = Create(device, matrix, form ?? new WeightForm(TensorFormat.F32));
                created[matrix.Source] = weight;
                AddChunks(chunks, matrix, weight, expand: form is null);
            }

            chunks.Sort(static (a, b) => CompareByPlace(a, b));
            vectors = new VectorStore(device, plan, ropes);
            new ChunkWorkers(chunks, options).Run(options.NumThreads > 0 ? options.NumThreads : device.Info.NumThreads);
            foreach (Weight weight in created.Values)
            {
                weight.Seal();
            }

            return new LoadedWeights(created, vectors, expanded);
        }
        catch
        {
            vectors?.Dispose();
            foreach (Weight weight in created.Values)
            {
                weight.Dispose();
            }

            throw;
        }
    }

    /// <summary>Bytes that the weights of a plan take in memory at least; what the device's layouts add is not known before.</summary>
    public static long LeastBytes(Device device, WeightPlan plan)
    {
        ArgumentNullException.ThrowIfNull(plan);
        return plan.Matrices.Sum(m => checked(m.Source.NumExperts * m.Source.Rows * Dequantizer.RowBytes(FormOf(device, plan, m)?.Format ?? TensorFormat.F32, m.Source.Cols)));
    }

    // The format of elements or blocks in which the device runs a matrix; null: there is none.
    private static TensorFormat? NativeFormat(Device device, PlannedMatrix matrix)
    {
        ElementFormat? format = !matrix.CanBePlaced ? null : matrix.Quantised.IsEmpty ? matrix.Format : matrix.Blocks;

        // A factor of the whole tensor is part of NVFP4 alone.
        return format is { } found && (matrix.Scales.IsEmpty || found == ElementFormat.NVFP4) && Weight.IsFormatSupported(device, (TensorFormat)found)
            ? (TensorFormat)found
            : null;
    }

    // Null where the matrix has to be expanded. Expert layers share their prepared input, so they take no order of columns.
    private static WeightForm? FormOf(Device device, WeightPlan plan, PlannedMatrix matrix)
    {
        if (NativeFormat(device, matrix) is { } format)
        {
            return new WeightForm(format);
        }

        WeightForm? form = matrix.GroupedForm;
        bool permutable = matrix.Source.NumExperts == 1 && !plan.ExpertMatrices.Contains(matrix.Source);
        return form is not null && Weight.IsFormatSupported(device, form.Format) && (permutable || !matrix.IsPermuted) ? form : null;
    }

    private static ImmutableArray<ExpandedWeights> FindExpanded(Device device, WeightPlan plan) =>
    [
        .. plan.Matrices.Where(m => FormOf(device, plan, m) is null).GroupBy(m => m.Kind).Select(g =>
            new ExpandedWeights(g.Key, g.Count(), g.Sum(m => m.SourceBytes), g.Sum(m => checked(m.Source.Count * sizeof(float))))),
    ];

    private static Weight Create(Device device, PlannedMatrix matrix, WeightForm form)
    {
        MatrixSource source = matrix.Source;
        try
        {
            return Weight.Create(device, form.Describe(source));
        }
        catch (NativeException e) when (e.ErrorClass == NativeErrorClass.BadArgument)
        {
            throw new ModelFormatException(matrix.Tensors[0].File.Path, source.Name, $"a weight of this shape and type cannot be run: {e.Message}", e);
        }
    }

    private static void AddChunks(List<LoadChunk> chunks, PlannedMatrix matrix, Weight weight, bool expand)
    {
        long cols = matrix.Source.Cols;
        for (int i = 0; i < matrix.Tensors.Length; i++)
        {
            MatrixSlice slice = matrix.Source.Slices[i];
            CheckpointTensor tensor = matrix.Tensors[i];
            QuantisedMatrix? quantised = matrix.QuantisedOf(i);
            long rowBytes = Math.Max(matrix.RowBytesOf(i), expand ? cols * sizeof(float) : 0);
            long rows = slice.Turned ? slice.NumRows : Math.Max(RowMultiple, ChunkBytes / rowBytes / RowMultiple * RowMultiple);
            for (long row = 0; row < slice.NumRows; row += rows)
            {
                chunks.Add(new LoadChunk(weight, tensor, slice, cols, row, Math.Min(rows, slice.NumRows - row), expand, matrix.Scales.IsEmpty ? 1 : matrix.Scales[i], quantised));
            }
        }
    }

    private static int CompareByPlace(in LoadChunk a, in LoadChunk b)
    {
        int file = string.CompareOrdinal(a.Tensor.File.Path, b.Tensor.File.Path);
        return file != 0 ? file : a.FileOffset.CompareTo(b.FileOffset);
    }
}
