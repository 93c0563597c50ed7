using System.Runtime.CompilerServices;

namespace Moesaic.Models.Tokenizers.Patterns;

/// <summary>What a piece of pattern can begin with: a cheap test that never says no wrongly.</summary>
internal readonly record struct FirstMask(ulong AsciiLow, ulong AsciiHigh, bool NonAscii, bool Empty)
{
    public static FirstMask Anything => new(ulong.MaxValue, ulong.MaxValue, true, true);

    public static FirstMask Nothing => default;

    public FirstMask Or(FirstMask other) =>
        new(AsciiLow | other.AsciiLow, AsciiHigh | other.AsciiHigh, NonAscii | other.NonAscii, Empty | other.Empty);

    /// <summary>Whether a match could begin at the index.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool Admits(ReadOnlySpan<char> text, int index)
    {
        if (Empty)
        {
            return true;
        }

        if ((uint)index >= (uint)text.Length)
        {
            return false;
        }

        char unit = text[index];
        return unit < 128 ? (((unit < 64 ? AsciiLow : AsciiHigh) >> (unit & 63)) & 1) != 0 : NonAscii;
    }
}
