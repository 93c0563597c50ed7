using Moesaic.Models.Checkpoints;

namespace Moesaic.Models.Quantisation;

/// <summary>
/// Q2_K, Q4_K and Q5_K: 256 values in sub-blocks of 16 or 32, x = d scale q - dmin minimum, with whole scales and minima of 4
/// or 6 bits a sub-block.
/// </summary>
internal sealed class MinimumKQuantiser(ElementFormat format) : BlockQuantiser(format)
{
    private const int Rounds = 4;

    private readonly int _levels = format switch { ElementFormat.Q2_K => 3, ElementFormat.Q4_K => 15, _ => 31 };
    private readonly int _most = format == ElementFormat.Q2_K ? 15 : 63; // of scales and minima
    private readonly int _size = format == ElementFormat.Q2_K ? 16 : 32;
    private readonly byte[] _codes = new byte[256];
    private Fit _best = new();
    private Fit _other = new();

    private protected override void QuantiseBlock(ReadOnlySpan<float> x, ReadOnlySpan<float> w, Span<byte> block)
    {
        Start(_best, x, w, searched: false);
        if (Searches)
        {
            Refine(_best, x, w);
            Start(_other, x, w, searched: true);
            Refine(_other, x, w);
            (_best, _other) = _other.Error < _best.Error ? (_other, _best) : (_best, _other);
        }

        IntegerGrid grid = new(0, _levels);
        for (int i = 0; i < x.Length; i++)
        {
            int sub = i / _size;
            _codes[i] = (byte)grid.Code((x[i] + (_best.DMin * _best.Minima[sub])) * ScaleFit.Inverse(_best.D * _best.Scales[sub]));
        }

        switch (Format)
        {
            case ElementFormat.Q2_K:
                PackQ2(block);
                break;
            case ElementFormat.Q4_K:
                PackHead(block);
                PackNibbles(block[16..]);
                break;
            default:
                PackHead(block);
                PackFifths(block.Slice(16, 32));
                PackNibbles(block[48..]);
                break;
        }
    }

    private void Start(Fit fit, ReadOnlySpan<float> x, ReadOnlySpan<float> w, bool searched)
    {
        int count = x.Length / _size;
        Span<float> scales = stackalloc float[count], minima = stackalloc float[count];
        float mostScale = 0, mostMinimum = 0;
        for (int j = 0; j < count; j++)
        {
            ReadOnlySpan<float> part = x.Slice(j * _size, _size);
            (scales[j], float minimum) = searched ? AffineFit.Find(part, w.Slice(j * _size, _size), _levels, atMostZero: true) : AffineFit.Plain(part, _levels, atMostZero: true);
            minima[j] = -minimum;
            mostScale = Math.Max(mostScale, scales[j]);
            mostMinimum = Math.Max(mostMinimum, minima[j]);
        }

        fit.D = ToHalf(mostScale / _most);
        fit.DMin = ToHalf(mostMinimum / _most);
        for (int j = 0; j < count; j++)
        {
            fit.Scales[j] = (int)Math.Clamp(MathF.Round(scales[j] * ScaleFit.Inverse(fit.D)), 0, _most);
            fit.Minima[j] = (int)Math.Clamp(MathF.Round(minima[j] * ScaleFit.Inverse(fit.DMin)), 0, _most);
        }

        fit.Error = ErrorOf(fit, x, w);
    }

    /// <summary>Takes neighbouring scales and minima where they fit better, then d and dmin of the least squares; never for the worse.</summary>
    private void Refine(Fit fit, ReadOnlySpan<float> x, ReadOnlySpan<float> w)
    {
        Fit next = new();
        for (int round = 0; round < Rounds; round++)
        {
            for (int j = 0; j < x.Length / _size; j++)
            {
                Improve(fit, j, x.Slice(j * _size, _size), w.Slice(j * _size, _size));
            }

            fit.Error = ErrorOf(fit, x, w);
            next.CopyFrom(fit);
            Solve(next, x, w);
            next.Error = ErrorOf(next, x, w);
            if (next.Error >= fit.Error)
            {
                return;
            }

            fit.CopyFrom(next);
        }
    }

    private void Improve(Fit fit, int sub, ReadOnlySpan<float> x, ReadOnlySpan<float> w)
    {
        (int scale, int minimum) = (fit.Scales[sub], fit.Minima[sub]);
        float least = AffineFit.Error(x, w, fit.D * scale, -fit.DMin * minimum, _levels);
        for (int s = Math.Max(scale - 1, 0); s <= Math.Min(scale + 1, _most); s++)
        {
            for (int m = Math.Max(minimum - 1, 0); m <= Math.Min(minimum + 1, _most); m++)
            {
                float error = AffineFit.Error(x, w, fit.D * s, -fit.DMin * m, _levels);
                if (error < least)
                {
                    least = error;
                    (fit.Scales[sub], fit.Minima[sub]) = (s, m);
                }
            }
        }
    }

    private void Solve(Fit fit, ReadOnlySpan<float> x, ReadOnlySpan<float> w)
    {
        double aa = 0, ab = 0, bb = 0, xa = 0, xb = 0;
        IntegerGrid grid = new(0, _levels);
        for (int i = 0; i < x.Length; i++)
        {
            int sub = i / _size;
            float b = fit.Minima[sub];
            float a = fit.Scales[sub] * grid.Code((x[i] + (fit.DMin * b)) * ScaleFit.Inverse(fit.D * fit.Scales[sub]));
            aa += w[i] * a * a;
            ab += w[i] * a * b;
            bb += w[i] * b * b;
            xa += w[i] * x[i] * a;
            xb += w[i] * x[i] * b;
        }

        double determinant = (aa * bb) - (ab * ab);
        (double d, double dmin) = determinant > 0 ? (((xa * bb) - (ab * xb)) / determinant, ((xa * ab) - (aa * xb)) / determinant) : (aa > 0 ? xa / aa : 0, 0);
        if (d > 0 && dmin >= 0)
        {
            (fit.D, fit.DMin) = (ToHalf((float)d), ToHalf((float)dmin));
        }
    }

    private float ErrorOf(Fit fit, ReadOnlySpan<float> x, ReadOnlySpan<float> w)
    {
        float sum = 0;
        for (int j = 0; j < x.Length / _size; j++)
        {
            sum += AffineFit.Error(x.Slice(j * _size, _size), w.Slice(j * _size, _size), fit.D * fit.Scales[j], -fit.DMin * fit.Minima[j], _levels);
        }

        return sum;
    }

    // Layouts: ggml, src/ggml-common.h; the reading side is native/src/cpu/dequantize/k_quants.cc.
    private void PackHead(Span<byte> block)
    {
        WriteHalf(block, _best.D);
        WriteHalf(block[2..], _best.DMin);
        Span<byte> packed = block.Slice(4, 12);
        packed.Clear();
        for (int j = 0; j < 8; j++)
        {
            (int scale, int minimum) = (_best.Scales[j], _best.Minima[j]);
            if (j < 4)
            {
                packed[j] |= (byte)scale;
                packed[j + 4] |= (byte)minimum;
            }
            else
            {
                packed[j + 4] = (byte)((scale & 15) | ((minimum & 15) << 4));
                packed[j - 4] |= (byte)((scale >> 4) << 6);
                packed[j] |= (byte)((minimum >> 4) << 6);
            }
        }
    }

    private void PackNibbles(Span<byte> nibbles)
    {
        for (int i = 0; i < 128; i++)
        {
            int first = (64 * (i / 32)) + (i % 32);
            nibbles[i] = (byte)((_codes[first] & 15) | ((_codes[first + 32] & 15) << 4));
        }
    }

    private void PackFifths(Span<byte> fifths)
    {
        fifths.Clear();
        for (int i = 0; i < 256; i++)
        {
            fifths[i % 32] |= (byte)((_codes[i] >> 4) << (i / 32));
        }
    }

    private void PackQ2(Span<byte> block)
    {
        block.Clear();
        for (int j = 0; j < 16; j++)
        {
            block[j] = (byte)(_best.Scales[j] | (_best.Minima[j] << 4));
        }

        for (int i = 0; i < 256; i++)
        {
            block[16 + (32 * (i / 128)) + (i % 32)] |= (byte)(_codes[i] << (2 * (i / 32 % 4)));
        }

        WriteHalf(block[80..], _best.D);
        WriteHalf(block[82..], _best.DMin);
    }

    private sealed class Fit
    {
        public float D { get; set; }

        public float DMin { get; set; }

        public float Error { get; set; }

        public int[] Scales { get; } = new int[16];

        public int[] Minima { get; } = new int[16];

        public void CopyFrom(Fit other)
        {
            (D, DMin, Error) = (other.D, other.DMin, other.Error);
            other.Scales.CopyTo(Scales.AsSpan());
            other.Minima.CopyTo(Minima.AsSpan());
        }
    }
}
