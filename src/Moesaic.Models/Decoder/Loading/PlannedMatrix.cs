using System.Collections.Immutable;
using Moesaic.Interop;
using Moesaic.Models.Checkpoints;

namespace Moesaic.Models.Decoder;

/// <summary>A weight together with the stored tensors that fill it.</summary>
public sealed class PlannedMatrix
{
    internal PlannedMatrix(MatrixSource source, ImmutableArray<CheckpointTensor> tensors, ImmutableArray<float> scales, ImmutableArray<QuantisedMatrix?> quantised)
    {
        Source = source;
        Tensors = tensors;
        Scales = scales;
        Quantised = quantised.Any(q => q is not null) ? quantised : [];
        Format = Quantised.IsEmpty && tensors.All(t => t.Format == tensors[0].Format) ? tensors[0].Format : null;
        SourceBytes = 0;
        for (int i = 0; i < tensors.Length; i++)
        {
            SourceBytes += checked((source.Slices[i].Turned ? source.Cols : source.Slices[i].NumRows) * RowBytesOf(i));
        }
    }

    public MatrixSource Source { get; }

    /// <summary>The stored tensor of each slice.</summary>
    public ImmutableArray<CheckpointTensor> Tensors { get; }

    /// <summary>What the values of each slice are multiplied with, for formats that store such factors apart; empty: nothing.</summary>
    public ImmutableArray<float> Scales { get; }

    /// <summary>Element format as stored; null when its tensors differ, so that they have to be brought to float32, or keep scales apart.</summary>
    public ElementFormat? Format { get; }

    /// <summary>Bytes as stored.</summary>
    public long SourceBytes { get; }

    /// <summary>How the weight is stored, for messages.</summary>
    public string Kind
    {
        get
        {
            string first = KindOf(0);
            return Enumerable.Range(1, Tensors.Length - 1).All(i => KindOf(i) == first) ? first : "mixed";
        }
    }

    /// <summary>For each slice that is stored as codes and scales apart how to read it, null for the others; empty: there is none.</summary>
    internal ImmutableArray<QuantisedMatrix?> Quantised { get; }

    /// <summary>The type of GGUF blocks that codes and scales stored apart make in every slice; null where there is no such type.</summary>
    internal ElementFormat? Blocks
    {
        get
        {
            ElementFormat? first = (QuantisedOf(0) as BlockMatrix)?.Blocks;
            return Quantised.All(q => (q as BlockMatrix)?.Blocks == first) ? first : null;
        }
    }

    /// <summary>The form with scales apart that all parts can be given in; null: there is none.</summary>
    internal WeightForm? GroupedForm
    {
        get
        {
            WeightForm? first = CanBePlaced ? QuantisedOf(0)?.Form : null;
            return first is not null && Quantised.All(q => q?.Form == first && SameOrder(q.Permutation, Quantised[0]!.Permutation)) ? first : null;
        }
    }

    /// <summary>Whether the columns in <see cref="GroupedForm"/> have another order than the input.</summary>
    internal bool IsPermuted => Quantised.Any(q => q?.Permutation is not null);

    private static bool SameOrder(int[]? a, int[]? b) => ReferenceEquals(a, b) || (a is not null && b is not null && a.AsSpan().SequenceEqual(b));

    internal QuantisedMatrix? QuantisedOf(int slice) => Quantised.IsEmpty ? null : Quantised[slice];

    /// <summary>Bytes of a row as stored.</summary>
    internal long RowBytesOf(int slice) => QuantisedOf(slice)?.RowBytes ?? RowBytes(Tensors[slice], Source.Slices[slice].Turned ? Source.Slices[slice].TensorShape[^1] : Source.Cols);

    /// <summary>Whether the values can be taken to their places without being expanded first.</summary>
    internal bool CanBePlaced => !Source.Slices[0].Turned || (Format is { } format && ElementFormats.TryGetBlock(format, out int elements, out _) && elements == 1);

    private string KindOf(int slice) => QuantisedOf(slice)?.Kind ?? ElementFormats.NameOf(Tensors[slice].Format);

    internal static long RowBytes(CheckpointTensor tensor, long cols)
    {
        _ = ElementFormats.TryGetBlock(tensor.Format, out int elements, out int bytes);
        return checked(cols / elements * bytes);
    }
}
