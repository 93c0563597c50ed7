using System.Runtime.CompilerServices;
using Moesaic.Models.Unicode;

namespace Moesaic.Models.Tokenizers.Patterns;

/// <summary>A set of code points made for matching: bit maps for ASCII and for the basic plane, ranges beyond.</summary>
internal sealed class CharacterClass
{
    private readonly ulong _asciiLow;
    private readonly ulong _asciiHigh;
    private readonly ulong[] _basicPlane;
    private readonly CodePointSet _points;

    public CharacterClass(CodePointSet points)
    {
        _points = points;
        HasNonAscii = points.RangeCount > 0 && points.Range(points.RangeCount - 1).Last >= 0x80;
        _basicPlane = HasNonAscii ? new ulong[0x10000 / 64] : new ulong[2];
        for (int i = 0; i < points.RangeCount; i++)
        {
            (int first, int last) = points.Range(i);
            last = Math.Min(last, 0xFFFF);
            for (int c = first; c <= last;)
            {
                if ((c & 63) == 0 && c + 63 <= last)
                {
                    _basicPlane[c >> 6] = ulong.MaxValue;
                    c += 64;
                }
                else
                {
                    _basicPlane[c >> 6] |= 1UL << (c & 63);
                    c++;
                }
            }
        }

        _asciiLow = _basicPlane[0];
        _asciiHigh = _basicPlane[1];
    }

    /// <summary>The members.</summary>
    public CodePointSet Points => _points;

    /// <summary>Whether any member lies beyond ASCII.</summary>
    public bool HasNonAscii { get; }

    public ulong AsciiLow => _asciiLow;

    public ulong AsciiHigh => _asciiHigh;

    /// <summary>UTF-16 length (1 or 2) of the member at the index, or 0 when what stands there is no member.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int MatchAt(ReadOnlySpan<char> text, int index)
    {
        char unit = text[index];
        if (unit < 128)
        {
            return (int)(((unit < 64 ? _asciiLow : _asciiHigh) >> (unit & 63)) & 1);
        }

        if (!HasNonAscii)
        {
            return 0;
        }

        return char.IsSurrogate(unit) ? MatchSurrogate(text, index) : (int)((_basicPlane[unit >> 6] >> (unit & 63)) & 1);
    }

    private int MatchSurrogate(ReadOnlySpan<char> text, int index)
    {
        int codePoint = UnicodeInfo.CodePointAt(text, index, out int length);
        return _points.Contains(codePoint) ? length : 0;
    }
}
