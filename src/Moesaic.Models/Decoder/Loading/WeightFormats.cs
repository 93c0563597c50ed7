using Moesaic.Models.Checkpoints;

namespace Moesaic.Models.Decoder;

/// <summary>Which stored element formats can be a weight.</summary>
internal static class WeightFormats
{
    /// <summary>Whether the format can be run or dequantised exactly. Integers and activation formats (Q8_1, Q8_K) cannot.</summary>
    public static bool IsReadable(ElementFormat format) => (int)format < 256
        && format is not (ElementFormat.Q8_1 or ElementFormat.Q8_K or ElementFormat.I8 or ElementFormat.I16 or ElementFormat.I32 or ElementFormat.I64);
}
