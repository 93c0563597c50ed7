namespace Moesaic.Models.Unicode;

/// <summary>An immutable set of code points, kept as sorted ranges.</summary>
public sealed class CodePointSet
{
    // Ascending borders: [even] first code point of a range, [odd] first code point after it.
    private readonly int[] _borders;

    private CodePointSet(int[] borders) => _borders = borders;

    /// <summary>The set of no code point.</summary>
    public static CodePointSet Empty { get; } = new([]);

    /// <summary>Every code point, surrogates included.</summary>
    public static CodePointSet All { get; } = new([0, CodePointTable.CodePoints]);

    /// <summary>Number of separate ranges.</summary>
    public int RangeCount => _borders.Length / 2;

    /// <summary>Whether the set holds no code point.</summary>
    public bool IsEmpty => _borders.Length == 0;

    /// <summary>First and last code point of the range with the given number.</summary>
    public (int First, int Last) Range(int number) => (_borders[2 * number], _borders[(2 * number) + 1] - 1);

    /// <summary>The set of all code points from first to last, both included.</summary>
    public static CodePointSet OfRange(int first, int last) => new([first, last + 1]);

    /// <summary>Whether the code point is in the set.</summary>
    public bool Contains(int codePoint)
    {
        int at = Array.BinarySearch(_borders, codePoint);
        return at >= 0 ? (at & 1) == 0 : (~at & 1) == 1;
    }

    /// <summary>Code points that are in either set.</summary>
    public CodePointSet Union(CodePointSet other)
    {
        Builder builder = new();
        builder.Add(this);
        builder.Add(other);
        return builder.Build();
    }

    /// <summary>Code points that are in both sets.</summary>
    public CodePointSet Intersect(CodePointSet other) => Complement().Union(other.Complement()).Complement();

    /// <summary>Code points that are not in the set.</summary>
    public CodePointSet Complement()
    {
        List<int> borders = [.. _borders];
        Toggle(borders, 0, atStart: true);
        Toggle(borders, CodePointTable.CodePoints, atStart: false);
        return new CodePointSet([.. borders]);
    }

    private static void Toggle(List<int> borders, int value, bool atStart)
    {
        int at = atStart ? 0 : borders.Count - 1;
        if (borders.Count > 0 && borders[at] == value)
        {
            borders.RemoveAt(at);
        }
        else
        {
            borders.Insert(atStart ? 0 : borders.Count, value);
        }
    }

    /// <summary>Collects ranges in any order.</summary>
    public sealed class Builder
    {
        private readonly List<(int First, int Last)> _ranges = [];

        /// <summary>Adds all code points from first to last, both included.</summary>
        public void Add(int first, int last)
        {
            if (_ranges.Count > 0 && _ranges[^1].Last == first - 1)
            {
                _ranges[^1] = (_ranges[^1].First, last);
            }
            else
            {
                _ranges.Add((first, last));
            }
        }

        /// <summary>Adds another set.</summary>
        public void Add(CodePointSet set)
        {
            for (int i = 0; i < set.RangeCount; i++)
            {
                (int first, int last) = set.Range(i);
                Add(first, last);
            }
        }

        /// <summary>The union of all that was added.</summary>
        public CodePointSet Build()
        {
            _ranges.Sort();
            List<int> borders = [];
            foreach ((int first, int last) in _ranges)
            {
                if (borders.Count > 0 && first <= borders[^1])
                {
                    borders[^1] = Math.Max(borders[^1], last + 1);
                }
                else
                {
                    borders.Add(first);
                    borders.Add(last + 1);
                }
            }

            return new CodePointSet([.. borders]);
        }
    }
}
