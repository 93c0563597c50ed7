using System.Buffers.Binary;
using System.Collections.Immutable;
using Moesaic.Models.Checkpoints;

namespace Moesaic.Models.Quantisation;

/// <summary>
/// Turns values into blocks of a stored format. Every format is fitted: scales are searched so that the weighted squared error
/// is small, and are never worse than those that plain rounding takes.
/// </summary>
/// <remarks>An instance has scratch memory of its own: one thread at a time.</remarks>
internal abstract class BlockQuantiser
{
    private protected BlockQuantiser(ElementFormat format)
    {
        Format = format;
        _ = ElementFormats.TryGetBlock(format, out int elements, out int bytes);
        BlockElements = elements;
        BlockBytes = bytes;
    }

    public ElementFormat Format { get; }

    public int BlockElements { get; }

    public int BlockBytes { get; }

    /// <summary>Whether scales are searched; else they are those of plain rounding, to compare with.</summary>
    public bool Searches { get; init; } = true;

    /// <summary>Formats that can be written.</summary>
    public static ImmutableArray<ElementFormat> Formats =>
    [
        ElementFormat.F32, ElementFormat.F16, ElementFormat.BF16, ElementFormat.Q8_0, ElementFormat.Q4_0, ElementFormat.Q4_1,
        ElementFormat.Q5_0, ElementFormat.Q5_1, ElementFormat.Q2_K, ElementFormat.Q3_K, ElementFormat.Q4_K, ElementFormat.Q5_K,
        ElementFormat.Q6_K, ElementFormat.IQ4_NL, ElementFormat.IQ4_XS, ElementFormat.MXFP4,
    ];

    /// <exception cref="ArgumentException">The format is none of <see cref="Formats"/>.</exception>
    public static BlockQuantiser Create(ElementFormat format, bool searches = true) => format switch
    {
        ElementFormat.F32 or ElementFormat.F16 or ElementFormat.BF16 => new FloatQuantiser(format),
        ElementFormat.Q8_0 => new Q8Quantiser { Searches = searches },
        ElementFormat.Q4_0 => new Q4Quantiser { Searches = searches },
        ElementFormat.Q5_0 => new Q5Quantiser { Searches = searches },
        ElementFormat.IQ4_NL => new Iq4NlQuantiser { Searches = searches },
        ElementFormat.MXFP4 => new Mxfp4Quantiser { Searches = searches },
        ElementFormat.Q4_1 or ElementFormat.Q5_1 => new AffineQuantiser(format) { Searches = searches },
        ElementFormat.Q2_K or ElementFormat.Q4_K or ElementFormat.Q5_K => new MinimumKQuantiser(format) { Searches = searches },
        ElementFormat.Q3_K => new Q3KQuantiser { Searches = searches },
        ElementFormat.Q6_K => new Q6KQuantiser { Searches = searches },
        ElementFormat.IQ4_XS => new Iq4XsQuantiser { Searches = searches },
        _ => throw new ArgumentException($"Values cannot be written as {ElementFormats.NameOf(format)}.", nameof(format)),
    };

    /// <summary>Whole blocks of one row.</summary>
    /// <param name="x">Finite values.</param>
    /// <param name="w">Positive weights of their squared errors, as many.</param>
    /// <param name="blocks">Receives the blocks.</param>
    public void Quantise(ReadOnlySpan<float> x, ReadOnlySpan<float> w, Span<byte> blocks)
    {
        for (int at = 0; at < x.Length; at += BlockElements, blocks = blocks[BlockBytes..])
        {
            QuantiseBlock(x.Slice(at, BlockElements), w.Slice(at, BlockElements), blocks[..BlockBytes]);
        }
    }

    private protected abstract void QuantiseBlock(ReadOnlySpan<float> x, ReadOnlySpan<float> w, Span<byte> block);

    /// <summary>The nearest float16 that is finite.</summary>
    private protected static float ToHalf(float value) => (float)(Half)Math.Clamp(value, -65504f, 65504f);

    private protected static void WriteHalf(Span<byte> at, float value) => BinaryPrimitives.WriteHalfLittleEndian(at, (Half)value);

    /// <summary>Nibbles of 32 codes as most formats pack them: element j low, j + 16 high.</summary>
    private protected static void PackNibbles(ReadOnlySpan<byte> codes, Span<byte> packed)
    {
        for (int j = 0; j < 16; j++)
        {
            packed[j] = (byte)((codes[j] & 15) | ((codes[j + 16] & 15) << 4));
        }
    }
}
