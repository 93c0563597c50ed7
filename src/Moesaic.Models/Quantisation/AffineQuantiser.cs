using System.Buffers.Binary;
using Moesaic.Models.Checkpoints;

namespace Moesaic.Models.Quantisation;

/// <summary>Q4_1 and Q5_1: blocks of 32 with float16 scale and minimum, x = d q + m.</summary>
internal sealed class AffineQuantiser(ElementFormat format) : BlockQuantiser(format)
{
    private readonly int _levels = format == ElementFormat.Q4_1 ? 15 : 31;

    private protected override void QuantiseBlock(ReadOnlySpan<float> x, ReadOnlySpan<float> w, Span<byte> block)
    {
        (float d, float m) = AffineFit.Plain(x, _levels, atMostZero: false);
        (d, m) = (ToHalf(d), ToHalf(m));
        if (Searches)
        {
            (float scale, float minimum) = AffineFit.Find(x, w, _levels, atMostZero: false);
            (scale, minimum) = (ToHalf(scale), ToHalf(minimum));
            if (AffineFit.Error(x, w, scale, minimum, _levels) < AffineFit.Error(x, w, d, m, _levels))
            {
                (d, m) = (scale, minimum);
            }
        }

        WriteHalf(block, d);
        WriteHalf(block[2..], m);
        float inverse = ScaleFit.Inverse(d);
        IntegerGrid grid = new(0, _levels);
        Span<byte> elements = block[^16..];
        uint fifth = 0;
        for (int j = 0; j < 16; j++)
        {
            int low = grid.Code((x[j] - m) * inverse), high = grid.Code((x[j + 16] - m) * inverse);
            elements[j] = (byte)((low & 15) | ((high & 15) << 4));
            fifth |= ((uint)(low >> 4) << j) | ((uint)(high >> 4) << (j + 16));
        }

        if (Format == ElementFormat.Q5_1)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(block[4..], fifth);
        }
    }
}
