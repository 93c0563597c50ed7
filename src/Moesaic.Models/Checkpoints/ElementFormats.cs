namespace Moesaic.Models.Checkpoints;

/// <summary>Block shapes and names of element formats.</summary>
public static class ElementFormats
{
    /// <summary>
    /// The format of a ggml type id. Ids from 256 on, which other programs use for types of their own, would collide
    /// with the plain types here and become negative: unknown, but with a name.
    /// </summary>
    internal static ElementFormat FromGgml(int typeId) => (ElementFormat)(typeId < 256 ? typeId : -typeId);

    /// <summary>
    /// The number of elements and bytes in one block (plain types: one element). False for a format whose layout is
    /// not known here; such a tensor may lie in a file as long as nobody needs it.
    /// </summary>
    public static bool TryGetBlock(ElementFormat format, out int elements, out int bytes)
    {
        (elements, bytes) = format switch
        {
            ElementFormat.F64 or ElementFormat.I64 or ElementFormat.U64 => (1, 8),
            ElementFormat.F32 or ElementFormat.I32 or ElementFormat.U32 => (1, 4),
            ElementFormat.F16 or ElementFormat.BF16 or ElementFormat.I16 or ElementFormat.U16 => (1, 2),
            ElementFormat.I8 or ElementFormat.U8 or ElementFormat.Bool or ElementFormat.F8_E4M3 or ElementFormat.F8_E5M2 => (1, 1),
            ElementFormat.Q4_0 => (32, 18),
            ElementFormat.Q4_1 => (32, 20),
            ElementFormat.Q5_0 => (32, 22),
            ElementFormat.Q5_1 => (32, 24),
            ElementFormat.Q8_0 => (32, 34),
            ElementFormat.Q8_1 => (32, 36),
            ElementFormat.Q2_K => (256, 84),
            ElementFormat.Q3_K => (256, 110),
            ElementFormat.Q4_K => (256, 144),
            ElementFormat.Q5_K => (256, 176),
            ElementFormat.Q6_K => (256, 210),
            ElementFormat.Q8_K => (256, 292),
            ElementFormat.IQ1_S => (256, 50),
            ElementFormat.IQ1_M => (256, 56),
            ElementFormat.IQ2_XXS => (256, 66),
            ElementFormat.IQ2_XS => (256, 74),
            ElementFormat.IQ2_S => (256, 82),
            ElementFormat.IQ3_XXS => (256, 98),
            ElementFormat.IQ3_S => (256, 110),
            ElementFormat.IQ4_NL => (32, 18),
            ElementFormat.IQ4_XS => (256, 136),
            ElementFormat.TQ1_0 => (256, 54),
            ElementFormat.TQ2_0 => (256, 66),
            ElementFormat.MXFP4 => (32, 17),
            ElementFormat.NVFP4 => (64, 36),
            _ => (0, 0),
        };
        return elements != 0;
    }

    /// <summary>
    /// The format's name, or for a ggml type id without a known layout its name there if it ever had one, and the number.
    /// </summary>
    public static string NameOf(ElementFormat format) => format switch
    {
        ElementFormat.Bool => "BOOL",
        (ElementFormat)4 => "Q4_2 (ggml type 4, withdrawn)",
        (ElementFormat)5 => "Q4_3 (ggml type 5, withdrawn)",
        (ElementFormat)31 => "Q4_0_4_4 (ggml type 31, withdrawn)",
        (ElementFormat)32 => "Q4_0_4_8 (ggml type 32, withdrawn)",
        (ElementFormat)33 => "Q4_0_8_8 (ggml type 33, withdrawn)",
        (ElementFormat)36 => "IQ4_NL_4_4 (ggml type 36, withdrawn)",
        (ElementFormat)37 => "IQ4_NL_4_8 (ggml type 37, withdrawn)",
        (ElementFormat)38 => "IQ4_NL_8_8 (ggml type 38, withdrawn)",
        (ElementFormat)41 => "Q1_0 (ggml type 41)",
        (ElementFormat)42 => "Q2_0 (ggml type 42)",
        _ when Enum.IsDefined(format) => format.ToString(),
        _ => $"ggml type {Math.Abs((int)format)}",
    };
}
