namespace Moesaic.Models.Decoder;

/// <summary>Element format of cached keys and values; values are those of the native <c>msc_format</c>.</summary>
public enum KvFormat
{
    F32 = 0,

    /// <summary>A float32 scale a token and head.</summary>
    Int8 = 24,

    BF16 = 30,
}
