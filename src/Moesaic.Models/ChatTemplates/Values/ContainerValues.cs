using Value = Moesaic.Models.ChatTemplates.ChatTemplateValue;

namespace Moesaic.Models.ChatTemplates.Values;

/// <summary>A list or tuple: items by position.</summary>
internal abstract class SequenceValue(IReadOnlyList<Value> items) : Value
{
    public IReadOnlyList<Value> Items { get; } = items;

    internal override bool IsTrue => Items.Count > 0;

    internal override int Length => Items.Count;

    internal override IEnumerator<Value> TryIterate() => Items.GetEnumerator();
}

internal sealed class ListValue(IReadOnlyList<Value> items) : SequenceValue(items)
{
    internal override string TypeName => "list";
}

internal class TupleValue(IReadOnlyList<Value> items) : SequenceValue(items)
{
    public static readonly TupleValue Empty = new([]);

    internal override string TypeName => "tuple";
}

/// <summary>One group of the groupby filter: a pair that also answers to grouper and list.</summary>
internal sealed class GroupValue(Value grouper, ListValue list) : TupleValue([grouper, list])
{
    internal override string TypeName => "_GroupTuple";
}

/// <summary>Insertion-ordered mapping. Filled by its maker only; templates cannot change it.</summary>
internal sealed class DictValue : Value
{
    private readonly OrderedDictionary<Value, Value> _entries = new(KeyComparer.Instance);

    public IEnumerable<KeyValuePair<Value, Value>> Entries => _entries;

    internal override string TypeName => "dict";

    internal override bool IsTrue => _entries.Count > 0;

    internal override int Length => _entries.Count;

    public void Set(Value key, Value value) => _entries[KeyComparer.Check(key)] = value;

    public bool TryGet(Value key, [System.Diagnostics.CodeAnalysis.MaybeNullWhen(false)] out Value value) =>
        _entries.TryGetValue(KeyComparer.Check(key), out value);

    internal override IEnumerator<Value> TryIterate() => _entries.Keys.GetEnumerator();
}

internal enum DictViewKind
{
    Keys,
    Values,
    Items,
}

/// <summary>What dict.keys(), values() and items() return.</summary>
internal sealed class DictViewValue(DictValue dict, DictViewKind kind) : Value
{
    public DictValue Dict { get; } = dict;

    public DictViewKind Kind { get; } = kind;

    internal override string TypeName => Kind switch
    {
        DictViewKind.Keys => "dict_keys",
        DictViewKind.Values => "dict_values",
        _ => "dict_items",
    };

    internal override bool IsTrue => Dict.Length > 0;

    internal override int Length => Dict.Length;

    internal override IEnumerator<Value> TryIterate()
    {
        foreach ((Value key, Value value) in Dict.Entries)
        {
            yield return Kind switch
            {
                DictViewKind.Keys => key,
                DictViewKind.Values => value,
                _ => new TupleValue([key, value]),
            };
        }
    }
}

/// <summary>range(...): its length is bounded when it is made.</summary>
internal sealed class RangeValue(long start, long stop, long step, int length) : Value
{
    public long Start { get; } = start;

    public long Stop { get; } = stop;

    public long Step { get; } = step;

    internal override string TypeName => "range";

    internal override bool IsTrue => length > 0;

    internal override int Length => length;

    public IntValue At(int index) => new(Start + (index * Step));

    internal override IEnumerator<Value> TryIterate()
    {
        for (int i = 0; i < length; i++)
        {
            yield return At(i);
        }
    }
}
