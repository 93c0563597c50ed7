using System.Collections.Immutable;
using Moesaic.Models.Checkpoints;

namespace Moesaic.Models.Decoder;

/// <summary>A weight together with the stored tensors that fill it.</summary>
public sealed class PlannedMatrix
{
    internal PlannedMatrix(MatrixSource source, ImmutableArray<CheckpointTensor> tensors, ImmutableArray<float> scales)
    {
        Source = source;
        Tensors = tensors;
        Scales = scales;
        Format = tensors.All(t => t.Format == tensors[0].Format) ? tensors[0].Format : null;
        SourceBytes = 0;
        for (int i = 0; i < tensors.Length; i++)
        {
            SourceBytes += checked(source.Slices[i].NumRows * RowBytes(tensors[i], source.Cols));
        }
    }

    public MatrixSource Source { get; }

    /// <summary>The stored tensor of each slice.</summary>
    public ImmutableArray<CheckpointTensor> Tensors { get; }

    /// <summary>What the values of each slice are multiplied with, for formats that store such factors apart; empty: nothing.</summary>
    public ImmutableArray<float> Scales { get; }

    /// <summary>Element format as stored; null when its tensors differ, so that they have to be brought to float32.</summary>
    public ElementFormat? Format { get; }

    /// <summary>Bytes as stored.</summary>
    public long SourceBytes { get; }

    internal static long RowBytes(CheckpointTensor tensor, long cols)
    {
        _ = ElementFormats.TryGetBlock(tensor.Format, out int elements, out int bytes);
        return checked(cols / elements * bytes);
    }
}
