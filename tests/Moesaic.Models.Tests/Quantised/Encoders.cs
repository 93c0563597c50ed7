using System.Runtime.InteropServices;
using Moesaic.Models.Checkpoints;
using Moesaic.Models.Tests.Decoder;

namespace Moesaic.Models.Tests.Quantised;

/// <summary>Stores a weight in a quantised form under the names that exporters use, and returns its exact values.</summary>
/// <param name="to">Receives the tensors.</param>
/// <param name="name">The weight's name in full precision; a stack of experts has no <c>.weight</c>.</param>
/// <param name="shape">[rows, cols] or [experts, rows, cols].</param>
/// <param name="values">What to round.</param>
internal delegate float[] Encoder(EditedCheckpoint to, string name, long[] shape, float[] values);

/// <summary>Plain encoders of the floating-point formats and INT8: rounding to the nearest, no calibration.</summary>
internal static class Encoders
{
    private static readonly float[] s_e4m3 = [.. Enumerable.Range(0, 127).Select(c => (float)(c < 8 ? c * Math.Pow(2, -9) : (8 + (c & 7)) * Math.Pow(2, (c >> 3) - 10)))];
    private static readonly float[] s_e2m1 = [0, 0.5f, 1, 1.5f, 2, 3, 4, 6];

    /// <summary>E4M3 with a scale for each block, row, or tensor (0: all), under <c>X.weight</c> + suffix.</summary>
    public static Encoder Float8(int blockRows, int blockCols, string suffix, string? activationScale = null) => (to, name, shape, values) =>
    {
        Grid grid = new(shape, blockRows, blockCols);
        float[] scales = grid.Scales(values, 448);
        byte[] codes = new byte[values.Length];
        float[] exact = new float[values.Length];
        for (int i = 0; i < values.Length; i++)
        {
            float scale = scales[grid.Of(i)];
            codes[i] = Code(values[i] / scale, s_e4m3, 0x80);
            exact[i] = Value(codes[i], s_e4m3, 0x80) * scale;
        }

        to.Set(name, ElementFormat.F8_E4M3, [.. shape], codes);
        to.Set(name + suffix, blockRows == 0 && blockCols == 0 && shape.Length == 2 ? [] : [.. grid.Shape], scales);
        if (activationScale is not null)
        {
            to.Set(Module(name) + activationScale, [], [0.02f]);
        }

        return exact;
    };

    /// <summary>Signed bytes with a scale, and perhaps a zero point, for each row and group of columns (0: all).</summary>
    public static Encoder Int8(int group, bool symmetric) => (to, name, shape, values) =>
    {
        Grid grid = new(shape, 1, group);
        float[] scales = grid.Scales(values, symmetric ? 127 : 90);
        byte[] codes = new byte[values.Length], zeros = new byte[scales.Length];
        float[] exact = new float[values.Length];
        for (int i = 0; i < values.Length; i++)
        {
            int g = grid.Of(i);
            sbyte zero = (sbyte)(symmetric ? 0 : (g * 7 % 61) - 30);
            sbyte code = (sbyte)Math.Clamp(Math.Round(values[i] / scales[g]) + zero, -128, 127);
            (codes[i], zeros[g]) = ((byte)code, (byte)zero);
            exact[i] = (code - zero) * scales[g];
        }

        to.Set(name, ElementFormat.I8, [.. shape], codes);
        to.Set(name + "_scale", [.. grid.Shape], scales);
        if (!symmetric)
        {
            to.Set(name + "_zero_point", ElementFormat.I8, [.. grid.Shape], zeros);
        }

        return exact;
    };

    /// <summary>E2M1 with E4M3 scales of 16 columns and a factor for the tensor, or for each expert of a stack.</summary>
    public static Encoder Nvfp4(bool compressedTensors) => (to, name, shape, values) =>
    {
        int perExpert = (int)(shape[^1] * shape[^2]), numFactors = compressedTensors ? 1 : values.Length / perExpert;
        float[] stored = [.. Enumerable.Range(0, numFactors).Select(e => values.Chunk(values.Length / numFactors).ElementAt(e).Max(Math.Abs) / (6 * 448)).Select(f => compressedTensors ? 1 / f : f)];
        byte[] codes = new byte[values.Length / 2], scales = new byte[values.Length / 16];
        float[] exact = new float[values.Length];
        for (int run = 0; run < scales.Length; run++)
        {
            float given = stored[run * 16 / (values.Length / numFactors)], factor = compressedTensors ? 1 / given : given;
            ReadOnlySpan<float> own = values.AsSpan(run * 16, 16);
            float most = 0;
            foreach (float value in own)
            {
                most = Math.Max(most, Math.Abs(value));
            }

            scales[run] = Math.Max((byte)1, Code(most / 6 / factor, s_e4m3, 0x80));
            float scale = s_e4m3[scales[run]];
            for (int i = 0; i < 16; i++)
            {
                byte code = Code(own[i] / (scale * factor), s_e2m1, 8);
                codes[(run * 8) + (i / 2)] |= (byte)(code << (i % 2 * 4));
                exact[(run * 16) + i] = Value(code, s_e2m1, 8) * scale * factor;
            }
        }

        to.Remove(name);
        to.Set(name + (compressedTensors ? "_packed" : ""), ElementFormat.U8, [.. shape[..^1], shape[^1] / 2], codes);
        to.Set(name + "_scale", ElementFormat.F8_E4M3, [.. shape[..^1], shape[^1] / 16], scales);
        to.Set(name + (compressedTensors ? "_global_scale" : "_scale_2"), numFactors > 1 ? [numFactors] : compressedTensors ? [1] : [], stored);
        return exact;
    };

    public static string Module(string name) => name.EndsWith(".weight", StringComparison.Ordinal) ? name[..^".weight".Length] : name;

    /// <summary>Bytes of numbers.</summary>
    public static byte[] Bytes<T>(T[] values)
        where T : unmanaged => MemoryMarshal.AsBytes(values.AsSpan()).ToArray();

    private static byte Code(float value, float[] magnitudes, int sign)
    {
        float size = Math.Abs(value);
        int above = Array.FindIndex(magnitudes, m => m >= size);
        int nearest = above < 0 ? magnitudes.Length - 1 : above > 0 && size - magnitudes[above - 1] < magnitudes[above] - size ? above - 1 : above;
        return (byte)(value < 0 && nearest > 0 ? nearest | sign : nearest);
    }

    private static float Value(int code, float[] magnitudes, int sign) => (code & sign) != 0 ? -magnitudes[code & (sign - 1)] : magnitudes[code];

    /// <summary>Which scale belongs to which element: [experts, row groups, column groups].</summary>
    private sealed class Grid(long[] shape, int blockRows, int blockCols)
    {
        private readonly int _rows = (int)shape[^2];
        private readonly int _cols = (int)shape[^1];
        private readonly int _gridRows = blockRows == 0 ? 1 : (int)(shape[^2] + blockRows - 1) / blockRows;
        private readonly int _gridCols = blockCols == 0 ? 1 : (int)(shape[^1] + blockCols - 1) / blockCols;

        public long[] Shape => [.. shape[..^2], _gridRows, _gridCols];

        public int Of(int element)
        {
            int row = element / _cols, col = element % _cols;
            return (((row / _rows * _gridRows) + (blockRows == 0 ? 0 : row % _rows / blockRows)) * _gridCols) + (blockCols == 0 ? 0 : col / blockCols);
        }

        public float[] Scales(float[] values, float most)
        {
            float[] scales = new float[Shape.Aggregate(1L, (a, b) => a * b)];
            Array.Fill(scales, 1e-6f);
            for (int i = 0; i < values.Length; i++)
            {
                scales[Of(i)] = Math.Max(scales[Of(i)], Math.Abs(values[i]) / most);
            }

            return scales;
        }
    }
}
