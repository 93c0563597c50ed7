using System.Buffers.Binary;
using System.Collections.Immutable;
using Moesaic.Models.Checkpoints;
using Moesaic.Models.Configurations;

namespace Moesaic.Models.Decoder;

/// <summary>
/// A description matched with a checkpoint: every tensor found, of the right shape and a readable type, and none left over.
/// Nothing is read or allocated yet.
/// </summary>
public sealed class LoadPlan : WeightPlan
{
    private LoadPlan(
        DecoderDescription description,
        ICheckpoint checkpoint,
        bool includesMtp,
        LatentForm latentForm,
        ImmutableArray<PlannedMatrix> matrices,
        ImmutableDictionary<VectorSource, CheckpointTensor> vectors,
        ImmutableArray<IgnoredTensor> ignored)
        : base(checkpoint, matrices, vectors, ignored)
    {
        Description = description;
        IncludesMtp = includesMtp;
        LatentForm = latentForm;
        ExpertMatrices = [.. DecoderTensors.MatricesOfExperts(description)];
    }

    public DecoderDescription Description { get; }

    /// <summary>Whether the multi-token-prediction layers are loaded too.</summary>
    public bool IncludesMtp { get; }

    /// <summary>The form of latent attention whose weights are loaded.</summary>
    public LatentForm LatentForm { get; }

    /// <inheritdoc/>
    internal override ImmutableHashSet<MatrixSource> ExpertMatrices { get; }

    /// <summary>Matches a description with a checkpoint.</summary>
    /// <exception cref="ModelFormatException">A tensor is missing, left over, or has another shape or type than expected.</exception>
    public static LoadPlan Create(DecoderDescription description, ICheckpoint checkpoint, bool includeMtp = false, LatentForm latentForm = LatentForm.Absorbed)
    {
        ArgumentNullException.ThrowIfNull(description);
        ArgumentNullException.ThrowIfNull(checkpoint);
        HashSet<string> used = new(StringComparer.Ordinal);
        ImmutableArray<PlannedMatrix>.Builder matrices = ImmutableArray.CreateBuilder<PlannedMatrix>();
        QuantisedMatrices quantised = new(checkpoint, description.Quantisation);
        foreach (MatrixSource source in DecoderTensors.Matrices(description, includeMtp, latentForm))
        {
            matrices.Add(Match(source, checkpoint, quantised, used));
        }

        ImmutableDictionary<VectorSource, CheckpointTensor>.Builder vectors = ImmutableDictionary.CreateBuilder<VectorSource, CheckpointTensor>();
        foreach (VectorSource source in DecoderTensors.Vectors(description, includeMtp))
        {
            vectors[source] = Match(source, checkpoint, used);
        }

        HashSet<string> unusedMtp = new(StringComparer.Ordinal);
        if (!includeMtp)
        {
            unusedMtp.UnionWith(NamesOfMtp(description).SelectMany(QuantisedNames.All));
        }

        return new LoadPlan(description, checkpoint, includeMtp, latentForm, matrices.ToImmutable(), vectors.ToImmutable(), Rest(description.Family, description.Ignorable, description.Quantisation, checkpoint, used, unusedMtp));
    }

    private static IEnumerable<string> NamesOfMtp(DecoderDescription description) =>
        Names(description, includeMtp: true).Except(Names(description, includeMtp: false));

    private static IEnumerable<string> Names(DecoderDescription description, bool includeMtp) =>
        DecoderTensors.Matrices(description, includeMtp).SelectMany(m => m.Slices).Select(s => s.Tensor)
            .Concat(DecoderTensors.Vectors(description, includeMtp).Select(v => v.Tensor));

    internal static PlannedMatrix Match(MatrixSource source, ICheckpoint checkpoint, QuantisedMatrices quantised, HashSet<string> used)
    {
        ImmutableArray<CheckpointTensor>.Builder tensors = ImmutableArray.CreateBuilder<CheckpointTensor>(source.Slices.Length);
        QuantisedMatrix?[] coded = new QuantisedMatrix?[source.Slices.Length];
        foreach (MatrixSlice slice in source.Slices)
        {
            if (quantised.Find(slice, used) is { } matrix)
            {
                coded[tensors.Count] = matrix;
                tensors.Add(matrix.Tensors[0]);
                continue;
            }

            CheckpointTensor tensor = checkpoint.GetTensor(slice.Tensor);
            RequireShape(tensor, slice.TensorShape);
            if (!WeightFormats.IsReadable(tensor.Format) || !ElementFormats.TryGetBlock(tensor.Format, out int elements, out _))
            {
                throw new ModelFormatException(tensor.File.Path, tensor.Name, $"its type is {ElementFormats.NameOf(tensor.Format)}, which cannot be read as a weight; expected F32, F16, BF16 or a GGUF block type.");
            }

            long rowElements = slice.Turned ? slice.TensorShape[^1] : source.Cols;
            if (rowElements % elements != 0)
            {
                throw new ModelFormatException(tensor.File.Path, tensor.Name, $"a row has {rowElements} elements, which is no multiple of the {elements} elements of a {ElementFormats.NameOf(tensor.Format)} block.");
            }

            if (slice.Transposed && elements != 1)
            {
                throw new ModelFormatException(tensor.File.Path, tensor.Name, $"its type is {ElementFormats.NameOf(tensor.Format)}, while it is stored with input features first; expected F32, F16 or BF16.");
            }

            used.Add(slice.Tensor);
            tensors.Add(tensor);
        }

        ImmutableArray<CheckpointTensor> stored = tensors.MoveToImmutable();
        return new PlannedMatrix(source, stored, ScalesOf(source, stored, checkpoint, used), [.. coded]);
    }

    // NVFP4 blocks of GGUF files may have a factor for the whole tensor, or one an expert, in a tensor of their own.
    private static ImmutableArray<float> ScalesOf(MatrixSource source, ImmutableArray<CheckpointTensor> tensors, ICheckpoint checkpoint, HashSet<string> used)
    {
        const string Suffix = ".weight";
        float[]? scales = null;
        for (int i = 0; i < tensors.Length; i++)
        {
            string name = tensors[i].Name;
            if (tensors[i].Format != ElementFormat.NVFP4 || !name.EndsWith(Suffix, StringComparison.Ordinal)
                || !checkpoint.TryGetTensor(name[..^Suffix.Length] + ".scale", out CheckpointTensor? scale))
            {
                continue;
            }

            bool perExpert = scale.ElementCount == source.NumExperts && source.NumExperts > 1;
            if (scale.Format != ElementFormat.F32 || (scale.ElementCount != 1 && !perExpert))
            {
                throw new ModelFormatException(scale.File.Path, scale.Name, $"it is {scale}; expected one F32 factor for {name}{(source.NumExperts > 1 ? $", or one for each of the {source.NumExperts} experts" : "")}.");
            }

            byte[] bytes = new byte[sizeof(float)];
            scale.CopyBytes(perExpert ? source.Slices[i].Expert * sizeof(float) : 0, bytes);
            scales ??= [.. Enumerable.Repeat(1f, tensors.Length)];
            scales[i] = BinaryPrimitives.ReadSingleLittleEndian(bytes);
            if (!float.IsFinite(scales[i]))
            {
                throw new ModelFormatException(scale.File.Path, scale.Name, $"it holds {scales[i]}; expected a finite factor.");
            }

            used.Add(scale.Name);
        }

        return scales is null ? [] : [.. scales];
    }

    internal static CheckpointTensor Match(VectorSource source, ICheckpoint checkpoint, HashSet<string> used)
    {
        CheckpointTensor tensor = checkpoint.GetTensor(source.Tensor);
        RequireShape(tensor, source.TensorShape);
        if (tensor.Format is not (ElementFormat.F32 or ElementFormat.F16 or ElementFormat.BF16))
        {
            throw new ModelFormatException(tensor.File.Path, tensor.Name, $"its type is {ElementFormats.NameOf(tensor.Format)}; expected F32, F16 or BF16 for a vector.");
        }

        used.Add(source.Tensor);
        return tensor;
    }

    internal static ImmutableArray<IgnoredTensor> Rest(
        string family, ImmutableArray<IgnorableTensors> ignorable, QuantisationConfig? quantisation, ICheckpoint checkpoint, HashSet<string> used, HashSet<string> unusedMtp)
    {
        ImmutableArray<IgnoredTensor>.Builder ignored = ImmutableArray.CreateBuilder<IgnoredTensor>();
        CheckpointTensor? unknown = null;
        int numUnknown = 0;
        foreach (CheckpointTensor tensor in checkpoint.Tensors)
        {
            if (used.Contains(tensor.Name))
            {
                continue;
            }

            if (unusedMtp.Contains(tensor.Name))
            {
                ignored.Add(new IgnoredTensor(tensor, "multi-token-prediction layer, not used in this run"));
            }
            else if (quantisation is not null && QuantisedNames.OfKvCache.FirstOrDefault(i => i.Matches(tensor.Name)) is { } scale)
            {
                ignored.Add(new IgnoredTensor(tensor, scale.Reason));
            }
            else if (quantisation is not null && QuantisedNames.IsZeroBias(checkpoint, tensor))
            {
                ignored.Add(new IgnoredTensor(tensor, "bias of zeros, of which the model knows nothing"));
            }
            else if (ignorable.FirstOrDefault(i => i.Matches(tensor.Name)) is { } kind)
            {
                ignored.Add(new IgnoredTensor(tensor, kind.Reason));
            }
            else
            {
                unknown ??= tensor;
                numUnknown++;
            }
        }

        if (unknown is not null)
        {
            string more = numUnknown > 1 ? $" ({numUnknown - 1} more tensors are unknown too)" : string.Empty;
            throw new ModelFormatException(unknown.File.Path, unknown.Name, $"the tensor {unknown} does not belong to {family}, and leaving it out may change the model{more}.");
        }

        return ignored.ToImmutable();
    }

    private static void RequireShape(CheckpointTensor tensor, ImmutableArray<long> expected)
    {
        // GGUF writers drop or keep leading dimensions of 1.
        if (!WithoutLeadingOnes(tensor.Shape).SequenceEqual(WithoutLeadingOnes(expected)))
        {
            throw new ModelFormatException(tensor.File.Path, tensor.Name, $"its shape is [{string.Join(", ", tensor.Shape)}]; expected [{string.Join(", ", expected)}] from the configuration.");
        }
    }

    private static ReadOnlySpan<long> WithoutLeadingOnes(ImmutableArray<long> shape)
    {
        ReadOnlySpan<long> span = shape.AsSpan();
        while (span.Length > 1 && span[0] == 1)
        {
            span = span[1..];
        }

        return span;
    }
}
