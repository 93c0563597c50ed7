using Moesaic.Models.Checkpoints;

namespace Moesaic.Models.Decoder;

/// <summary>Weights of a format that the device does not run: they are dequantised exactly to float32 while loading.</summary>
/// <param name="Format">Stored format; null: stored in more than one.</param>
/// <param name="Count">Number of weights.</param>
/// <param name="SourceBytes">Bytes as stored.</param>
/// <param name="ExpandedBytes">Bytes in memory as float32.</param>
public sealed record ExpandedWeights(ElementFormat? Format, int Count, long SourceBytes, long ExpandedBytes)
{
    /// <inheritdoc/>
    public override string ToString() =>
        $"{Count} weights of type {(Format is { } f ? ElementFormats.NameOf(f) : "mixed")} are expanded to F32: {SourceBytes} bytes become {ExpandedBytes}";
}
