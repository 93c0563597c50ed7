using Moesaic.Models.Unicode;

namespace Moesaic.Models.Tokenizers.Patterns;

/// <summary>Reads a pattern code point by code point.</summary>
internal sealed class PatternScanner
{
    private readonly string _pattern;
    private readonly int[] _points;

    public PatternScanner(string pattern)
    {
        _pattern = pattern;
        List<int> points = new(pattern.Length);
        for (int i = 0; i < pattern.Length;)
        {
            points.Add(UnicodeInfo.CodePointAt(pattern, i, out int length));
            i += length;
        }

        _points = [.. points];
    }

    public int Position { get; set; }

    public bool AtEnd => Position >= _points.Length;

    /// <summary>The next code point, or -1 at the end.</summary>
    public int Peek => PeekAt(0);

    public int PeekAt(int offset) => Position + offset < _points.Length ? _points[Position + offset] : -1;

    public int Take() => AtEnd ? throw Error("the pattern ends too early") : _points[Position++];

    public bool TryTake(char expected)
    {
        if (Peek != expected)
        {
            return false;
        }

        Position++;
        return true;
    }

    public bool TryTake(string expected)
    {
        if (!StartsWith(expected))
        {
            return false;
        }

        Position += expected.Length;
        return true;
    }

    public bool StartsWith(string expected)
    {
        for (int i = 0; i < expected.Length; i++)
        {
            if (PeekAt(i) != expected[i])
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Whether a character stands anywhere from the given offset on.</summary>
    public bool Contains(char wanted, int offset) => Array.IndexOf(_points, wanted, Math.Min(Position + offset, _points.Length)) >= 0;

    /// <summary>Where an ASCII text stands within the next code points, or -1.</summary>
    public int IndexOf(string wanted, int limit)
    {
        int mark = Position;
        try
        {
            for (; Position < _points.Length && Position - mark <= limit; Position++)
            {
                if (StartsWith(wanted))
                {
                    return Position;
                }
            }

            return -1;
        }
        finally
        {
            Position = mark;
        }
    }

    public string TakeUntil(int end)
    {
        System.Text.StringBuilder text = new();
        for (; Position < end; Position++)
        {
            UnicodeInfo.Append(text, _points[Position]);
        }

        return text.ToString();
    }

    public PatternSyntaxException Error(string message, int at = -1) => new(_pattern, at < 0 ? Position : at, message);
}
