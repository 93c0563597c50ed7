namespace Moesaic.Models.Tokenizers.TokenModels;

/// <summary>A prefix tree over UTF-16 units in flat arrays; the children of a node lie side by side, sorted by their unit.</summary>
internal sealed class StringTrie
{
    /// <summary>The node of the empty text.</summary>
    public const int Root = 0;

    private readonly List<int> _firstChild = [0];
    private readonly List<int> _childCount = [0];
    private readonly List<char> _unit = ['\0'];
    private readonly List<int> _value = [-1];

    /// <param name="entries">Texts with their values (0 and up). Of equal texts the last counts; empty ones are left out.</param>
    public StringTrie(IEnumerable<KeyValuePair<string, int>> entries)
    {
        Dictionary<string, int> unique = [];
        foreach ((string text, int value) in entries)
        {
            if (text.Length > 0)
            {
                unique[text] = value;
            }
        }

        string[] sorted = [.. unique.Keys];
        Array.Sort(sorted, string.CompareOrdinal);
        Queue<(int Node, int From, int To, int Depth)> open = new();
        open.Enqueue((Root, 0, sorted.Length, 0));
        while (open.TryDequeue(out (int Node, int From, int To, int Depth) part))
        {
            int from = part.From;
            if (from < part.To && sorted[from].Length == part.Depth)
            {
                _value[part.Node] = unique[sorted[from]];
                from++;
            }

            _firstChild[part.Node] = _unit.Count;
            while (from < part.To)
            {
                char unit = sorted[from][part.Depth];
                int end = from + 1;
                while (end < part.To && sorted[end][part.Depth] == unit)
                {
                    end++;
                }

                open.Enqueue((_unit.Count, from, end, part.Depth + 1));
                _firstChild.Add(0);
                _childCount.Add(0);
                _unit.Add(unit);
                _value.Add(-1);
                _childCount[part.Node]++;
                from = end;
            }
        }
    }

    /// <summary>Units with which any entry begins.</summary>
    public char[] FirstUnits => [.. _unit.Skip(_firstChild[Root]).Take(_childCount[Root])];

    /// <summary>The value of the entry that ends at a node, or -1.</summary>
    public int ValueAt(int node) => _value[node];

    /// <summary>The child of a node by one more unit, or -1.</summary>
    public int Child(int node, char unit)
    {
        int low = _firstChild[node], high = low + _childCount[node] - 1;
        while (low <= high)
        {
            int middle = (low + high) >> 1;
            char found = _unit[middle];
            if (found == unit)
            {
                return middle;
            }

            if (found < unit)
            {
                low = middle + 1;
            }
            else
            {
                high = middle - 1;
            }
        }

        return -1;
    }

    /// <summary>Length of the longest entry that the text begins with, or 0.</summary>
    public int LongestPrefix(ReadOnlySpan<char> text, out int value)
    {
        int node = Root, length = 0;
        value = -1;
        for (int i = 0; i < text.Length; i++)
        {
            node = Child(node, text[i]);
            if (node < 0)
            {
                break;
            }

            if (_value[node] >= 0)
            {
                value = _value[node];
                length = i + 1;
            }
        }

        return length;
    }
}
