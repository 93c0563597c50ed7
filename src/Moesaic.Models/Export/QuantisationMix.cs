using System.Collections.Immutable;
using Moesaic.Models.Checkpoints;

namespace Moesaic.Models.Export;

/// <summary>Which formats the matrices of a file get.</summary>
/// <param name="Name">As <c>--type</c> takes it.</param>
/// <param name="Format">The format of the most.</param>
/// <param name="FileType"><c>general.file_type</c> (llama.cpp, llama_ftype).</param>
/// <param name="Better">The format of those whose error it lowers most for its bytes; null: all get the same.</param>
public sealed record QuantisationMix(string Name, ElementFormat Format, int FileType, ElementFormat? Better = null)
{
    /// <summary>Bytes that the better format may add to the file, as a share of all matrices.</summary>
    public double ExtraShare { get; init; } = 0.1;

    /// <summary>Every mix that can be written.</summary>
    public static ImmutableArray<QuantisationMix> All { get; } =
    [
        new("f32", ElementFormat.F32, 0), new("f16", ElementFormat.F16, 1), new("bf16", ElementFormat.BF16, 32), new("q8_0", ElementFormat.Q8_0, 7),
        new("q4_0", ElementFormat.Q4_0, 2), new("q4_1", ElementFormat.Q4_1, 3), new("q5_0", ElementFormat.Q5_0, 8), new("q5_1", ElementFormat.Q5_1, 9),
        new("q2_k", ElementFormat.Q2_K, 10), new("q3_k", ElementFormat.Q3_K, 11), new("q4_k", ElementFormat.Q4_K, 14), new("q5_k", ElementFormat.Q5_K, 16),
        new("q6_k", ElementFormat.Q6_K, 18), new("iq4_nl", ElementFormat.IQ4_NL, 25), new("iq4_xs", ElementFormat.IQ4_XS, 30), new("mxfp4", ElementFormat.MXFP4, 38),
        new("q3_k_m", ElementFormat.Q3_K, 12, ElementFormat.Q5_K), new("q4_k_m", ElementFormat.Q4_K, 15, ElementFormat.Q6_K), new("q5_k_m", ElementFormat.Q5_K, 17, ElementFormat.Q8_0),
    ];

    /// <summary>The format nearest to the wanted one that rows of a length can have.</summary>
    public static ElementFormat Fitting(ElementFormat wanted, long cols)
    {
        ElementFormat format = wanted;
        if (!Fits(format, cols))
        {
            format = wanted switch
            {
                ElementFormat.Q2_K or ElementFormat.Q3_K or ElementFormat.IQ4_XS => ElementFormat.IQ4_NL,
                ElementFormat.Q4_K => ElementFormat.Q5_0,
                ElementFormat.Q5_K => ElementFormat.Q5_1,
                ElementFormat.Q6_K => ElementFormat.Q8_0,
                _ => ElementFormat.F16,
            };
        }

        return Fits(format, cols) ? format : ElementFormat.F16;
    }

    private static bool Fits(ElementFormat format, long cols) => ElementFormats.TryGetBlock(format, out int elements, out _) && cols % elements == 0;
}
