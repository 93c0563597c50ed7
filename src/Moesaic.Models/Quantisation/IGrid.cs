using System.Runtime.Intrinsics;

namespace Moesaic.Models.Quantisation;

/// <summary>The values that a quantised element can have before its scale.</summary>
internal interface IGrid
{
    /// <summary>The grid's value nearest to each element.</summary>
    Vector256<float> Nearest(Vector256<float> x);

    /// <summary>What is stored for the value nearest to <paramref name="x"/>.</summary>
    int Code(float x);
}

/// <summary>Whole numbers of a range; the code is the number itself.</summary>
internal readonly struct IntegerGrid(int least, int most) : IGrid
{
    private readonly Vector256<float> _least = Vector256.Create((float)least);
    private readonly Vector256<float> _most = Vector256.Create((float)most);

    public Vector256<float> Nearest(Vector256<float> x) => Vector256.Min(Vector256.Max(Vector256.Round(x), _least), _most);

    public int Code(float x) => (int)Math.Clamp(MathF.Round(x), least, most);
}

/// <summary>A table of ascending values; the code is the place in it.</summary>
internal readonly struct TableGrid : IGrid
{
    private readonly float[] _values;
    private readonly float[] _bounds;

    public TableGrid(params ReadOnlySpan<float> values)
    {
        _values = values.ToArray();
        _bounds = new float[values.Length - 1];
        for (int i = 0; i < _bounds.Length; i++)
        {
            _bounds[i] = (values[i] + values[i + 1]) / 2;
        }
    }

    /// <summary>The values of IQ4_NL and IQ4_XS (ggml, src/ggml-common.h: kvalues_iq4nl).</summary>
    public static TableGrid Iq4 { get; } = new(-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113);

    /// <summary>The values of E2M1 (OCP Microscaling Formats 1.0, 5.3.3) in order; both zeros are one.</summary>
    public static TableGrid E2M1 { get; } = new(-6, -4, -3, -2, -1.5f, -1, -0.5f, 0, 0.5f, 1, 1.5f, 2, 3, 4, 6);

    public Vector256<float> Nearest(Vector256<float> x)
    {
        Vector256<float> value = Vector256.Create(_values[0]);
        for (int i = 0; i < _bounds.Length; i++)
        {
            value = Vector256.ConditionalSelect(Vector256.GreaterThan(x, Vector256.Create(_bounds[i])), Vector256.Create(_values[i + 1]), value);
        }

        return value;
    }

    public int Code(float x)
    {
        int code = 0;
        while (code < _bounds.Length && x > _bounds[code])
        {
            code++;
        }

        return code;
    }
}
