using Moesaic.Models.Checkpoints;

namespace Moesaic.Models.Quantisation;

/// <summary>256 values in sub-blocks with signed whole scales and one float16 factor, x = d scale q: Q3_K, Q6_K, IQ4_XS.</summary>
internal abstract class ScaledKQuantiser<TGrid>(ElementFormat format, TGrid grid, int size, int leastScale, float plainTarget, float[] targets) : BlockQuantiser(format)
    where TGrid : struct, IGrid
{
    private const int Rounds = 4;

    private readonly int[] _scales = new int[16];
    private readonly int[] _otherScales = new int[16];
    private readonly byte[] _codes = new byte[256];

    private protected sealed override void QuantiseBlock(ReadOnlySpan<float> x, ReadOnlySpan<float> w, Span<byte> block)
    {
        float d = Start(_scales, x, w, searched: false);
        if (Searches)
        {
            float error = Refine(_scales, ref d, x, w);
            float other = Start(_otherScales, x, w, searched: true);
            if (Refine(_otherScales, ref other, x, w) < error)
            {
                d = other;
                _otherScales.CopyTo(_scales.AsSpan());
            }
        }

        for (int i = 0; i < x.Length; i++)
        {
            _codes[i] = unchecked((byte)grid.Code(x[i] * ScaleFit.Inverse(d * _scales[i / size])));
        }

        block.Clear();
        Pack(d, _scales, _codes, block);
    }

    /// <param name="d">Factor of the block.</param>
    /// <param name="scales">Of each sub-block.</param>
    /// <param name="codes">Grid codes of the 256 values.</param>
    /// <param name="block">Zeros; receives the block.</param>
    private protected abstract void Pack(float d, ReadOnlySpan<int> scales, ReadOnlySpan<byte> codes, Span<byte> block);

    private float Start(int[] scales, ReadOnlySpan<float> x, ReadOnlySpan<float> w, bool searched)
    {
        int count = x.Length / size;
        Span<float> wanted = stackalloc float[count];
        for (int j = 0; j < count; j++)
        {
            ReadOnlySpan<float> part = x.Slice(j * size, size);
            wanted[j] = searched ? ScaleFit.Find(grid, part, w.Slice(j * size, size), targets) : ScaleFit.Extreme(part) / plainTarget;
        }

        float d = ToHalf(ScaleFit.Extreme(wanted) / leastScale);
        for (int j = 0; j < count; j++)
        {
            scales[j] = (int)Math.Clamp(MathF.Round(wanted[j] * ScaleFit.Inverse(d)), leastScale, -leastScale - 1);
        }

        return d;
    }

    /// <summary>Takes neighbouring scales where they fit better, then d of the least squares; never for the worse.</summary>
    private float Refine(int[] scales, ref float d, ReadOnlySpan<float> x, ReadOnlySpan<float> w)
    {
        float error = 0;
        for (int round = 0; round < Rounds; round++)
        {
            error = 0;
            double xq = 0, qq = 0;
            for (int j = 0; j < x.Length / size; j++)
            {
                ReadOnlySpan<float> part = x.Slice(j * size, size), weights = w.Slice(j * size, size);
                int middle = scales[j];
                float least = ScaleFit.Error(grid, part, weights, d * middle);
                for (int scale = Math.Max(middle - 1, leastScale); scale <= Math.Min(middle + 1, -leastScale - 1); scale++)
                {
                    float found = ScaleFit.Error(grid, part, weights, d * scale);
                    (least, scales[j]) = found < least ? (found, scale) : (least, scales[j]);
                }

                error += least;
                (float partXq, float partQq) = ScaleFit.Sums(grid, part, weights, ScaleFit.Inverse(d * scales[j]));
                xq += (double)scales[j] * partXq;
                qq += (double)scales[j] * scales[j] * partQq;
            }

            float next = qq > 0 ? ToHalf((float)(xq / qq)) : d;
            float nextError = 0;
            for (int j = 0; j < x.Length / size; j++)
            {
                nextError += ScaleFit.Error(grid, x.Slice(j * size, size), w.Slice(j * size, size), next * scales[j]);
            }

            if (nextError >= error)
            {
                return error;
            }

            (d, error) = (next, nextError);
        }

        return error;
    }
}

// Layouts: ggml, src/ggml-common.h; the reading side is native/src/cpu/dequantize.

internal sealed class Q6KQuantiser() : ScaledKQuantiser<IntegerGrid>(ElementFormat.Q6_K, new IntegerGrid(-32, 31), 16, -128, -32, [-33.5f, -33, -32.5f, -32, -31.5f, -31, -30.5f, -30, 31.5f, 31, 30.5f, 30])
{
    private protected override void Pack(float d, ReadOnlySpan<int> scales, ReadOnlySpan<byte> codes, Span<byte> block)
    {
        for (int i = 0; i < 256; i++)
        {
            int code = (codes[i] + 32) & 63;
            int half = i / 128, quarter = i / 32 % 4, place = i % 32;
            block[(64 * half) + (32 * (quarter % 2)) + place] |= (byte)((code & 15) << (quarter < 2 ? 0 : 4));
            block[128 + (32 * half) + place] |= (byte)((code >> 4) << (2 * quarter));
        }

        for (int k = 0; k < 16; k++)
        {
            block[192 + k] = unchecked((byte)(sbyte)scales[k]);
        }

        WriteHalf(block[208..], d);
    }
}

internal sealed class Q3KQuantiser() : ScaledKQuantiser<IntegerGrid>(ElementFormat.Q3_K, new IntegerGrid(-4, 3), 16, -32, -4, [-5.2f, -4.8f, -4.4f, -4, -3.7f, -3.4f, -3.1f, -2.8f, 4, 3.7f, 3.4f, 3.1f, 2.8f, 2.5f])
{
    private protected override void Pack(float d, ReadOnlySpan<int> scales, ReadOnlySpan<byte> codes, Span<byte> block)
    {
        for (int i = 0; i < 256; i++)
        {
            int code = (codes[i] + 4) & 7, group = i / 32;
            block[i % 32] |= (byte)((code >> 2) << group);
            block[32 + (32 * (i / 128)) + (i % 32)] |= (byte)((code & 3) << (2 * (group % 4)));
        }

        for (int k = 0; k < 16; k++)
        {
            int scale = scales[k] + 32;
            block[96 + (k % 8)] |= (byte)((scale & 15) << (k < 8 ? 0 : 4));
            block[104 + (k % 4)] |= (byte)((scale >> 4) << (2 * (k / 4)));
        }

        WriteHalf(block[108..], d);
    }
}

internal sealed class Iq4XsQuantiser() : ScaledKQuantiser<TableGrid>(ElementFormat.IQ4_XS, TableGrid.Iq4, 32, -32, -127, [-140, -134, -127, -121, -115, -109, -103, -97, 125, 119, 113, 107, 101])
{
    private protected override void Pack(float d, ReadOnlySpan<int> scales, ReadOnlySpan<byte> codes, Span<byte> block)
    {
        WriteHalf(block, d);
        int high = 0;
        for (int j = 0; j < 8; j++)
        {
            int scale = scales[j] + 32;
            high |= (scale >> 4) << (2 * j);
            block[4 + (j / 2)] |= (byte)((scale & 15) << (4 * (j % 2)));
            PackNibbles(codes.Slice(32 * j, 32), block.Slice(8 + (16 * j), 16));
        }

        System.Buffers.Binary.BinaryPrimitives.WriteUInt16LittleEndian(block[2..], (ushort)high);
    }
}
