using System.Buffers.Binary;
using Moesaic.Models.Checkpoints;

namespace Moesaic.Models.Quantisation;

/// <summary>Blocks of 32 with one float16 scale: x = d q.</summary>
internal abstract class ScaleQuantiser<TGrid>(ElementFormat format, TGrid grid, float plainTarget, float[] targets) : BlockQuantiser(format)
    where TGrid : struct, IGrid
{
    private readonly byte[] _codes = new byte[32];

    private protected sealed override void QuantiseBlock(ReadOnlySpan<float> x, ReadOnlySpan<float> w, Span<byte> block)
    {
        float d = ToHalf(ScaleFit.Extreme(x) / plainTarget);
        if (Searches)
        {
            float found = ToHalf(ScaleFit.Find(grid, x, w, targets));
            d = ScaleFit.Error(grid, x, w, found) < ScaleFit.Error(grid, x, w, d) ? found : d;
        }

        float inverse = ScaleFit.Inverse(d);
        for (int i = 0; i < x.Length; i++)
        {
            _codes[i] = unchecked((byte)grid.Code(x[i] * inverse));
        }

        WriteHalf(block, d);
        Pack(_codes, block[2..]);
    }

    private protected abstract void Pack(ReadOnlySpan<byte> codes, Span<byte> elements);

    /// <summary>Targets from <paramref name="first"/> on, of one sign and of the other.</summary>
    private protected static float[] Targets(float first, float last, int count)
    {
        float[] targets = new float[2 * count];
        for (int i = 0; i < count; i++)
        {
            float target = first + ((last - first) * i / (count - 1));
            targets[2 * i] = target;
            targets[(2 * i) + 1] = -target;
        }

        return targets;
    }
}

internal sealed class Q8Quantiser() : ScaleQuantiser<IntegerGrid>(ElementFormat.Q8_0, new IntegerGrid(-127, 127), 127, Targets(126, 127.4f, 8))
{
    private protected override void Pack(ReadOnlySpan<byte> codes, Span<byte> elements) => codes.CopyTo(elements);
}

internal sealed class Q4Quantiser() : ScaleQuantiser<IntegerGrid>(ElementFormat.Q4_0, new IntegerGrid(-8, 7), -8, Targets(-9.6f, -6.4f, 17))
{
    private protected override void Pack(ReadOnlySpan<byte> codes, Span<byte> elements)
    {
        for (int j = 0; j < 16; j++)
        {
            elements[j] = (byte)(((codes[j] + 8) & 15) | (((codes[j + 16] + 8) & 15) << 4));
        }
    }
}

internal sealed class Q5Quantiser() : ScaleQuantiser<IntegerGrid>(ElementFormat.Q5_0, new IntegerGrid(-16, 15), -16, Targets(-17.6f, -14.4f, 17))
{
    private protected override void Pack(ReadOnlySpan<byte> codes, Span<byte> elements)
    {
        uint fifth = 0;
        for (int j = 0; j < 16; j++)
        {
            int low = (codes[j] + 16) & 31, high = (codes[j + 16] + 16) & 31;
            elements[4 + j] = (byte)((low & 15) | ((high & 15) << 4));
            fifth |= ((uint)(low >> 4) << j) | ((uint)(high >> 4) << (j + 16));
        }

        BinaryPrimitives.WriteUInt32LittleEndian(elements, fifth);
    }
}

internal sealed class Iq4NlQuantiser() : ScaleQuantiser<TableGrid>(ElementFormat.IQ4_NL, TableGrid.Iq4, -127, Targets(-140, -100, 17))
{
    private protected override void Pack(ReadOnlySpan<byte> codes, Span<byte> elements) => PackNibbles(codes, elements);
}
