using Moesaic.Models.Checkpoints;

namespace Moesaic.Models.Quantisation;

/// <summary>MXFP4: 32 values of E2M1 with a power of two (OCP Microscaling Formats 1.0); the exponent with the least error is taken.</summary>
internal sealed class Mxfp4Quantiser() : BlockQuantiser(ElementFormat.MXFP4)
{
    private const int Bias = 127;
    private const int LargestExponent = 2; // of E2M1

    // Places in the ordered table to sign and magnitude.
    private static readonly byte[] s_nibbles = [15, 14, 13, 12, 11, 10, 9, 0, 1, 2, 3, 4, 5, 6, 7];

    private readonly byte[] _codes = new byte[32];

    private protected override void QuantiseBlock(ReadOnlySpan<float> x, ReadOnlySpan<float> w, Span<byte> block)
    {
        float extreme = Math.Abs(ScaleFit.Extreme(x));
        int plain = extreme == 0 ? -Bias : Math.Clamp(MathF.ILogB(extreme) - LargestExponent, -Bias, Bias);
        int exponent = plain;
        if (Searches && extreme != 0)
        {
            float least = float.PositiveInfinity;
            foreach (int candidate in (ReadOnlySpan<int>)[plain, plain + 1, plain - 1])
            {
                float error = candidate is >= -Bias + 1 and <= Bias ? ScaleFit.Error(TableGrid.E2M1, x, w, MathF.ScaleB(1, candidate)) : float.PositiveInfinity;
                if (error < least)
                {
                    least = error;
                    exponent = candidate;
                }
            }
        }

        float inverse = ScaleFit.Inverse(MathF.ScaleB(1, exponent));
        for (int i = 0; i < x.Length; i++)
        {
            _codes[i] = s_nibbles[TableGrid.E2M1.Code(x[i] * inverse)];
        }

        block[0] = (byte)(exponent + Bias);
        PackNibbles(_codes, block[1..]);
    }
}
