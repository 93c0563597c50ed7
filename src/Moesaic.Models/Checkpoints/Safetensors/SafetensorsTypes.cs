namespace Moesaic.Models.Checkpoints.Safetensors;

/// <summary>The dtype names of the safetensors format and the element formats they stand for.</summary>
internal static class SafetensorsTypes
{
    private static readonly (string Name, ElementFormat Format)[] Names =
    [
        ("F64", ElementFormat.F64),
        ("F32", ElementFormat.F32),
        ("F16", ElementFormat.F16),
        ("BF16", ElementFormat.BF16),
        ("F8_E4M3", ElementFormat.F8_E4M3),
        ("F8_E5M2", ElementFormat.F8_E5M2),
        ("I64", ElementFormat.I64),
        ("I32", ElementFormat.I32),
        ("I16", ElementFormat.I16),
        ("I8", ElementFormat.I8),
        ("U64", ElementFormat.U64),
        ("U32", ElementFormat.U32),
        ("U16", ElementFormat.U16),
        ("U8", ElementFormat.U8),
        ("BOOL", ElementFormat.Bool),
    ];

    public static bool TryParse(string name, out ElementFormat format)
    {
        foreach ((string known, ElementFormat value) in Names)
        {
            if (known == name)
            {
                format = value;
                return true;
            }
        }

        format = default;
        return false;
    }

    public static string NameOf(ElementFormat format) =>
        Array.Find(Names, entry => entry.Format == format).Name ?? throw new ArgumentException($"safetensors has no dtype for {format}.", nameof(format));

    public static int SizeOf(ElementFormat format) =>
        ElementFormats.TryGetBlock(format, out int elements, out int bytes) && elements == 1
            ? bytes
            : throw new ArgumentException($"{format} is not a plain element type.", nameof(format));
}
