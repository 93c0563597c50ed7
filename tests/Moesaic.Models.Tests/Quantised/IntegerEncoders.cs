using Moesaic.Models.Checkpoints;
using Moesaic.Models.Tests.Decoder;

namespace Moesaic.Models.Tests.Quantised;

/// <summary>Plain encoders of the formats that pack integers into words: GPTQ, AWQ, compressed-tensors.</summary>
internal static class IntegerEncoders
{
    /// <summary>GPTQ: codes packed along the columns, zero points along the rows, both stored column by column.</summary>
    /// <param name="bits">2, 3, 4 or 8.</param>
    /// <param name="group">Columns of a group; -1: all.</param>
    /// <param name="actOrder">Whether the columns of a group lie anywhere.</param>
    /// <param name="version">1: zero points are stored less one.</param>
    public static Encoder Gptq(int bits, int group, bool actOrder = false, int version = 1) => (to, name, shape, values) =>
    {
        Codes c = new(shape, values, bits, group, actOrder, half: true, symmetric: false, leastZero: 1);
        string module = Encoders.Module(name);
        to.Remove(name);
        to.Set(module + ".qweight", ElementFormat.I32, [c.Cols * bits / 32, c.Rows], Encoders.Bytes(Pack(c.Cols, c.Rows, (k, n) => c.Code[(n * c.Cols) + k], bits)));
        int[] zeros = Pack(c.Rows, c.Groups, (n, g) => c.Zero[(n * c.Groups) + g] - (version == 1 ? 1 : 0), bits);
        to.Set(module + ".qzeros", ElementFormat.I32, [c.Groups, c.Rows * bits / 32], Encoders.Bytes(Turn(zeros, c.Rows * bits / 32, c.Groups)));
        to.Set(module + ".scales", ElementFormat.F16, [c.Groups, c.Rows], Encoders.Bytes(Turn(Array.ConvertAll(c.Scale, s => (Half)s), c.Rows, c.Groups)));
        to.Set(module + ".g_idx", ElementFormat.I32, [c.Cols], Encoders.Bytes(c.GroupOf));
        return c.Exact();
    };

    /// <summary>AWQ: eight outputs a word in AWQ's order.</summary>
    public static Encoder Awq(int group) => (to, name, shape, values) =>
    {
        int[] order = [0, 2, 4, 6, 1, 3, 5, 7];
        Codes c = new(shape, values, 4, group, actOrder: false, half: true, symmetric: false, leastZero: 0);
        string module = Encoders.Module(name);
        int[] Interleave(int count, Func<int, int, int> code)
        {
            int[] words = new int[count * c.Rows / 8];
            for (int k = 0; k < count; k++)
            {
                for (int n = 0; n < c.Rows; n++)
                {
                    // Nibble p of a word holds output order[p].
                    words[((k * c.Rows) + n) / 8] |= code(k, n) << (4 * Array.IndexOf(order, n % 8));
                }
            }

            return words;
        }

        to.Remove(name);
        to.Set(module + ".qweight", ElementFormat.I32, [c.Cols, c.Rows / 8], Encoders.Bytes(Interleave(c.Cols, (k, n) => c.Code[(n * c.Cols) + k])));
        to.Set(module + ".qzeros", ElementFormat.I32, [c.Groups, c.Rows / 8], Encoders.Bytes(Interleave(c.Groups, (g, n) => c.Zero[(n * c.Groups) + g])));
        to.Set(module + ".scales", ElementFormat.F16, [c.Groups, c.Rows], Encoders.Bytes(Turn(Array.ConvertAll(c.Scale, s => (Half)s), c.Rows, c.Groups)));
        return c.Exact();
    };

    /// <summary>compressed-tensors: codes packed along the columns, zero points along the rows.</summary>
    public static Encoder Packed(int bits, int group, bool symmetric, bool actOrder = false) => (to, name, shape, values) =>
    {
        Codes c = new(shape, values, bits, group, actOrder, half: false, symmetric, leastZero: 0);
        int perWord = 32 / bits, words = (c.Cols + perWord - 1) / perWord;
        to.Remove(name);
        to.Set(name + "_packed", ElementFormat.I32, [c.Rows, words], Encoders.Bytes(Turn(Pack(c.Cols, c.Rows, (k, n) => c.Code[(n * c.Cols) + k], bits), words, c.Rows)));
        to.Set(name + "_scale", ElementFormat.BF16, [c.Rows, c.Groups], Encoders.Bytes(Array.ConvertAll(c.Scale, s => (ushort)(BitConverter.SingleToUInt32Bits(s) >> 16))));
        to.Set(name + "_shape", ElementFormat.I64, [2], Encoders.Bytes(new long[] { c.Rows, c.Cols }));
        if (!symmetric)
        {
            to.Set(name + "_zero_point", ElementFormat.I32, [(c.Rows + perWord - 1) / perWord, c.Groups], Encoders.Bytes(Pack(c.Rows, c.Groups, (n, g) => c.Zero[(n * c.Groups) + g], bits)));
        }

        if (actOrder)
        {
            to.Set(name + "_g_idx", ElementFormat.I32, [c.Cols], Encoders.Bytes(c.GroupOf));
        }

        return c.Exact();
    };

    // Words of a column's codes below one another, lowest bits first, without gaps: [words, columns].
    private static int[] Pack(int length, int columns, Func<int, int, int> code, int bits)
    {
        int words = ((length * bits) + 31) / 32;
        int[] packed = new int[words * columns];
        for (int column = 0; column < columns; column++)
        {
            for (int i = 0; i < length; i++)
            {
                for (int bit = 0; bit < bits; bit++)
                {
                    int at = (i * bits) + bit;
                    packed[(at / 32 * columns) + column] |= (code(i, column) >> bit & 1) << (at % 32);
                }
            }
        }

        return packed;
    }

    // [rows, cols] to [cols, rows].
    private static T[] Turn<T>(T[] values, int rows, int cols)
    {
        T[] turned = new T[values.Length];
        for (int i = 0; i < values.Length; i++)
        {
            turned[(i % cols * rows) + (i / cols)] = values[i];
        }

        return turned;
    }

    /// <summary>Codes of [rows, cols], scales and zero points of [rows, groups].</summary>
    private sealed class Codes
    {
        public Codes(long[] shape, float[] values, int bits, int group, bool actOrder, bool half, bool symmetric, int leastZero)
        {
            Assert.That(shape, Has.Length.EqualTo(2));
            (Rows, Cols) = ((int)shape[0], (int)shape[1]);
            int columns = group == -1 ? Cols : group, most = (1 << bits) - 1;
            Groups = (Cols + columns - 1) / columns;
            GroupOf = [.. Enumerable.Range(0, Cols).Select(k => k / columns)];
            if (actOrder)
            {
                new Random(3).Shuffle(GroupOf);
            }

            Code = new int[Rows * Cols];
            Zero = new int[Rows * Groups];
            Scale = new float[Rows * Groups];
            for (int n = 0; n < Rows; n++)
            {
                for (int g = 0; g < Groups; g++)
                {
                    float[] own = [.. Enumerable.Range(0, Cols).Where(k => GroupOf[k] == g).Select(k => values[(n * Cols) + k])];
                    (float low, float high) = (Math.Min(0, own.Min()), Math.Max(0, own.Max()));
                    float scale = Math.Max(1e-4f, symmetric ? Math.Max(-low, high) / (1 << (bits - 1)) : (high - low) / most);
                    Scale[(n * Groups) + g] = half ? (float)(Half)scale : BitConverter.UInt32BitsToSingle(BitConverter.SingleToUInt32Bits(scale) & 0xFFFF0000);
                    Zero[(n * Groups) + g] = symmetric ? 1 << (bits - 1) : Math.Clamp((int)Math.Round(-low / scale), leastZero, most);
                }

                for (int k = 0; k < Cols; k++)
                {
                    int g = (n * Groups) + GroupOf[k];
                    Code[(n * Cols) + k] = Math.Clamp((int)Math.Round(values[(n * Cols) + k] / Scale[g]) + Zero[g], 0, most);
                }
            }
        }

        public int Rows { get; }

        public int Cols { get; }

        public int Groups { get; }

        public int[] GroupOf { get; }

        public int[] Code { get; }

        public int[] Zero { get; }

        public float[] Scale { get; }

        public float[] Exact() => [.. Code.Select((code, i) => (code - Zero[(i / Cols * Groups) + GroupOf[i % Cols]]) * Scale[(i / Cols * Groups) + GroupOf[i % Cols]])];
    }
}
