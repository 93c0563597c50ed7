using Moesaic.Models.Unicode;

namespace Moesaic.Models.Tokenizers.Patterns;

/// <summary>
/// The code points split into groups that a pattern cannot tell apart: two members of a group lie in exactly the same of the
/// pattern's sets.
/// </summary>
internal sealed class CharacterPartition
{
    /// <summary>Most sets of one pattern.</summary>
    public const int MaxSets = 64;
    private const int MaxGroups = 255;
    private const int BasicPlane = 0x10000;

    private readonly byte[] _basic = new byte[BasicPlane];
    private readonly int[] _starts;
    private readonly byte[] _groups;
    private readonly ulong[] _members;

    private CharacterPartition(int[] starts, byte[] groups, ulong[] members)
    {
        _starts = starts;
        _groups = groups;
        _members = members;
        for (int i = 0; i < starts.Length && starts[i] < BasicPlane; i++)
        {
            int end = i + 1 < starts.Length ? Math.Min(starts[i + 1], BasicPlane) : BasicPlane;
            _basic.AsSpan(starts[i], end - starts[i]).Fill(groups[i]);
        }
    }

    /// <summary>Number of groups.</summary>
    public int Count => _members.Length;

    /// <summary>Groups of the code points below U+10000.</summary>
    public byte[] Basic => _basic;

    /// <summary>The partition by the sets; null when it would need too many groups.</summary>
    public static CharacterPartition? Create(IReadOnlyList<CodePointSet> sets)
    {
        if (sets.Count > MaxSets)
        {
            return null;
        }

        // Every border of a set flips one bit of the membership of what follows it.
        List<(int At, int Set)> borders = [];
        for (int set = 0; set < sets.Count; set++)
        {
            for (int i = 0; i < sets[set].RangeCount; i++)
            {
                (int first, int last) = sets[set].Range(i);
                borders.Add((first, set));
                borders.Add((last + 1, set));
            }
        }

        borders.Sort();
        Dictionary<ulong, byte> numbers = [];
        List<ulong> members = [];
        List<int> starts = [];
        List<byte> groups = [];
        ulong membership = 0;
        for (int at = 0, next = 0; at < CodePointTable.CodePoints;)
        {
            while (next < borders.Count && borders[next].At == at)
            {
                membership ^= 1UL << borders[next++].Set;
            }

            if (!numbers.TryGetValue(membership, out byte group))
            {
                if (members.Count == MaxGroups)
                {
                    return null;
                }

                numbers[membership] = group = (byte)members.Count;
                members.Add(membership);
            }

            starts.Add(at);
            groups.Add(group);
            at = next < borders.Count ? borders[next].At : CodePointTable.CodePoints;
        }

        return new CharacterPartition([.. starts], [.. groups], [.. members]);
    }

    /// <summary>Whether the members of a group are in a set.</summary>
    public bool Contains(int group, int set) => (_members[group] >> set & 1) != 0;

    /// <summary>The group of any code point.</summary>
    public int GroupOf(int codePoint)
    {
        if (codePoint < BasicPlane)
        {
            return _basic[codePoint];
        }

        int at = Array.BinarySearch(_starts, codePoint);
        return _groups[at >= 0 ? at : ~at - 1];
    }
}
