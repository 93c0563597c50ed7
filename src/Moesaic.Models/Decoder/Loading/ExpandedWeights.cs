namespace Moesaic.Models.Decoder;

/// <summary>Weights of a format that the device does not run: they are dequantised exactly to float32 while loading.</summary>
/// <param name="Kind">How they are stored: the name of an element format, or of a quantised format with its groups.</param>
/// <param name="Count">Number of weights.</param>
/// <param name="SourceBytes">Bytes as stored.</param>
/// <param name="ExpandedBytes">Bytes in memory as float32.</param>
public sealed record ExpandedWeights(string Kind, int Count, long SourceBytes, long ExpandedBytes)
{
    /// <inheritdoc/>
    public override string ToString() =>
        $"{Count} weights of type {Kind} are expanded to F32: {SourceBytes} bytes become {ExpandedBytes}";
}
