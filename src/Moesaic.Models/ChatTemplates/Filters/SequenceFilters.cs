using System.Text;
using Moesaic.Models.ChatTemplates.Runtime;
using Moesaic.Models.ChatTemplates.Values;
using Value = Moesaic.Models.ChatTemplates.ChatTemplateValue;

namespace Moesaic.Models.ChatTemplates.Filters;

/// <summary>Filters over lists, dicts and other iterables.</summary>
internal static class SequenceFilters
{
    public static Dictionary<string, Filter> All { get; } = new()
    {
        ["default"] = Default,
        ["d"] = Default,
        ["length"] = static (_, a) => new IntValue(Sequences.Length(a.Bind("length", 1, "/obj")[0]!)),
        ["count"] = static (_, a) => new IntValue(Sequences.Length(a.Bind("count", 1, "/obj")[0]!)),
        ["first"] = First,
        ["last"] = Last,
        ["list"] = static (c, a) => new ListValue(Sequences.ToList(c, a.Bind("list", 1, "value")[0]!)),
        ["items"] = Items,
        ["dictsort"] = DictSort,
        ["join"] = Join,
        ["reverse"] = Reverse,
        ["sort"] = Sort,
        ["unique"] = static (c, a) => new IteratorValue(Unique(c, a).GetEnumerator()),
        ["groupby"] = GroupBy,
        ["batch"] = static (c, a) => new IteratorValue(Batch(c, a).GetEnumerator()),
        ["slice"] = static (c, a) => new IteratorValue(Slice(c, a).GetEnumerator()),
        ["sum"] = Sum,
        ["min"] = static (c, a) => Extreme(c, a, "min", -1),
        ["max"] = static (c, a) => Extreme(c, a, "max", 1),
        ["attr"] = Attr,
    };

    private static Value Default(RenderContext context, CallArguments arguments)
    {
        Value?[] bound = arguments.Bind("default", 1, "value", "default_value", "boolean");
        bool replace = bound[0] is UndefinedValue || (Parameters.Flag(bound[2]) && !bound[0]!.IsTrue);
        return replace ? bound[1] ?? StringValue.Empty : bound[0]!;
    }

    private static Value First(RenderContext context, CallArguments arguments)
    {
        using IEnumerator<Value> items = Sequences.Iterate(context, arguments.Bind("first", 1, "seq")[0]!);
        return items.MoveNext() ? items.Current : UndefinedValue.Because("No first item, sequence was empty.");
    }

    private static Value Last(RenderContext context, CallArguments arguments)
    {
        Value source = arguments.Bind("last", 1, "seq")[0]!;
        if (source is IteratorValue or NoneValue || source.TryIterate() is null)
        {
            throw TemplateFault.Type($"'{source.TypeName}' object is not reversible");
        }

        IReadOnlyList<Value> items = source is StringValue ? [] : Sequences.ToList(context, source);
        return (source is StringValue ? Sequences.At(source, -1) : items.Count > 0 ? items[^1] : null)
            ?? UndefinedValue.Because("No last item, sequence was empty.");
    }

    private static IteratorValue Items(RenderContext context, CallArguments arguments) => arguments.Bind("items", 1, "value")[0] switch
    {
        UndefinedValue => new IteratorValue(Enumerable.Empty<Value>().GetEnumerator()),
        DictValue dict => new IteratorValue(new DictViewValue(dict, DictViewKind.Items).TryIterate()),
        _ => throw TemplateFault.Type("Can only get item pairs from a mapping."),
    };

    private static ListValue DictSort(RenderContext context, CallArguments arguments)
    {
        Value?[] bound = arguments.Bind("dictsort", 1, "value", "case_sensitive", "by", "reverse");
        string by = bound[2] is null ? "key" : Parameters.Text(bound[2]!, "dictsort: by");
        if (by is not ("key" or "value"))
        {
            throw TemplateFault.Argument("You can only sort by either \"key\" or \"value\"");
        }

        if (bound[0] is not DictValue dict)
        {
            throw bound[0] is UndefinedValue undefined ? undefined.Fault() : TemplateFault.Type($"dictsort: '{bound[0]!.TypeName}' object is no mapping");
        }

        bool caseSensitive = Parameters.Flag(bound[1]);
        (Value Key, Value Pair)[] rows =
        [
            .. dict.Entries.Select(e => (AttributePath.Key(by == "key" ? e.Key : e.Value, caseSensitive), (Value)new TupleValue([e.Key, e.Value]))),
        ];
        SortRows(context, rows, Parameters.Flag(bound[3]));
        return new ListValue([.. rows.Select(r => r.Pair)]);
    }

    private static StringValue Join(RenderContext context, CallArguments arguments)
    {
        Value?[] bound = arguments.Bind("join", 1, "value", "d", "attribute");
        string separator = bound[1] is null ? "" : PythonText.Str(context, bound[1]!);
        AttributePath path = AttributePath.Of(bound[2]);
        StringBuilder text = new();
        bool first = true;
        foreach (Value item in Sequences.Each(context, bound[0]!))
        {
            context.Append(text, first ? "" : separator);
            context.Append(text, PythonText.Str(context, path.Get(item)));
            first = false;
        }

        return new StringValue(text.ToString());
    }

    private static Value Reverse(RenderContext context, CallArguments arguments)
    {
        Value source = arguments.Bind("reverse", 1, "value")[0]!;
        if (source is StringValue)
        {
            return Sequences.Slice(context, source, NoneValue.Instance, NoneValue.Instance, new IntValue(-1))!;
        }

        if (source.TryIterate() is null)
        {
            throw TemplateFault.Argument("argument must be iterable");
        }

        List<Value> items = [.. Sequences.ToList(context, source)];
        items.Reverse();
        context.ChargeList(items.Count);

        // Only what Python cannot reverse lazily comes back as a list.
        return source is IteratorValue or UndefinedValue ? new ListValue(items) : new IteratorValue(items.GetEnumerator(), "list_reverseiterator");
    }

    private static ListValue Sort(RenderContext context, CallArguments arguments)
    {
        Value?[] bound = arguments.Bind("sort", 1, "value", "reverse", "case_sensitive", "attribute");
        AttributePath[] paths = AttributePath.Many(bound[3]);
        bool caseSensitive = Parameters.Flag(bound[2]);
        (Value Key, Value Item)[] rows =
        [
            .. Sequences.ToList(context, bound[0]!).Select(item => (KeyOf(item), item)),
        ];
        SortRows(context, rows, Parameters.Flag(bound[1]));
        return new ListValue([.. rows.Select(r => r.Item)]);

        Value KeyOf(Value item) => paths.Length == 1
            ? AttributePath.Key(paths[0].Get(item), caseSensitive)
            : new ListValue([.. paths.Select(p => AttributePath.Key(p.Get(item), caseSensitive))]);
    }

    /// <summary>Stable either way: a reversed sort keeps the order of equal rows.</summary>
    private static void SortRows(RenderContext context, (Value Key, Value Item)[] rows, bool descending) =>
        Sequences.Sort(context, rows, descending
            ? (a, b) => Comparisons.Order(context, b.Key, a.Key)
            : (a, b) => Comparisons.Order(context, a.Key, b.Key));

    private static IEnumerable<Value> Unique(RenderContext context, CallArguments arguments)
    {
        Value?[] bound = arguments.Bind("unique", 1, "value", "case_sensitive", "attribute");
        AttributePath path = AttributePath.Of(bound[2]);
        HashSet<Value> seen = new(KeyComparer.Instance);
        foreach (Value item in Sequences.Each(context, bound[0]!))
        {
            if (seen.Add(KeyComparer.Check(AttributePath.Key(path.Get(item), Parameters.Flag(bound[1])))))
            {
                yield return item;
            }
        }
    }

    private static ListValue GroupBy(RenderContext context, CallArguments arguments)
    {
        Value?[] bound = arguments.Bind("groupby", 2, "value", "attribute", "default", "case_sensitive");
        AttributePath path = AttributePath.Of(bound[1]);
        bool caseSensitive = Parameters.Flag(bound[3]);
        (Value Key, Value Item)[] rows =
        [
            .. Sequences.ToList(context, bound[0]!).Select(item => (AttributePath.Key(path.Get(item, bound[2]), caseSensitive), item)),
        ];
        SortRows(context, rows, descending: false);
        List<Value> groups = [];
        for (int start = 0; start < rows.Length;)
        {
            int end = start + 1;
            while (end < rows.Length && Comparisons.AreEqual(context, rows[end].Key, rows[start].Key))
            {
                end++;
            }

            Value grouper = caseSensitive ? rows[start].Key : path.Get(rows[start].Item, bound[2]);
            groups.Add(new GroupValue(grouper, new ListValue([.. rows[start..end].Select(r => r.Item)])));
            start = end;
        }

        return new ListValue(groups);
    }

    private static IEnumerable<Value> Batch(RenderContext context, CallArguments arguments)
    {
        Value?[] bound = arguments.Bind("batch", 2, "value", "linecount", "fill_with");
        int size = Parameters.Int(bound[1]!, "batch: linecount");
        List<Value> row = [];
        foreach (Value item in Sequences.Each(context, bound[0]!))
        {
            if (row.Count == size)
            {
                yield return new ListValue(row);
                row = [];
            }

            row.Add(item);
        }

        if (row.Count > 0)
        {
            Fill(context, row, size - row.Count, bound[2]);
            yield return new ListValue(row);
        }
    }

    private static IEnumerable<Value> Slice(RenderContext context, CallArguments arguments)
    {
        Value?[] bound = arguments.Bind("slice", 2, "value", "slices", "fill_with");
        IReadOnlyList<Value> items = Sequences.ToList(context, bound[0]!);
        int slices = Parameters.Int(bound[1]!, "slice: slices");
        if (slices == 0)
        {
            throw TemplateFault.Runtime("ZeroDivisionError", "integer division or modulo by zero");
        }

        int extra = slices < 0 ? 0 : items.Count % slices;
        int start = 0;
        for (int i = 0; i < slices; i++)
        {
            context.Charge(1);
            int size = (items.Count / slices) + (i < extra ? 1 : 0);
            List<Value> row = [.. items.Skip(start).Take(size)];
            if (i >= extra)
            {
                Fill(context, row, 1, bound[2]);
            }

            start += size;
            yield return new ListValue(row);
        }
    }

    private static void Fill(RenderContext context, List<Value> row, int count, Value? filler)
    {
        if (filler is null or NoneValue || count <= 0)
        {
            return;
        }

        context.ChargeList((long)row.Count + count);
        row.AddRange(Enumerable.Repeat(filler, count));
    }

    private static Value Sum(RenderContext context, CallArguments arguments)
    {
        Value?[] bound = arguments.Bind("sum", 1, "iterable", "attribute", "start");
        AttributePath path = AttributePath.Of(bound[1]);
        Value total = bound[2] ?? new IntValue(0);
        if (total is StringValue)
        {
            throw TemplateFault.Type("sum() can't sum strings [use ''.join(seq) instead]");
        }

        foreach (Value item in Sequences.Each(context, bound[0]!))
        {
            total = Arithmetic.Apply(context, "+", total, path.Get(item));
        }

        return total;
    }

    private static Value Extreme(RenderContext context, CallArguments arguments, string name, int sign)
    {
        Value?[] bound = arguments.Bind(name, 1, "value", "case_sensitive", "attribute");
        AttributePath path = AttributePath.Of(bound[2]);
        Value? best = null;
        Value? bestKey = null;
        foreach (Value item in Sequences.Each(context, bound[0]!))
        {
            Value key = AttributePath.Key(path.Get(item), Parameters.Flag(bound[1]));
            bool better = bestKey is null || Math.Sign(Comparisons.Compare(context, key, bestKey, sign < 0 ? "<" : ">") ?? 0) == sign;
            if (better)
            {
                (best, bestKey) = (item, key);
            }
        }

        return best ?? UndefinedValue.Because("No aggregated item, sequence was empty.");
    }

    /// <summary>The attribute only, never an item of the same name.</summary>
    private static Value Attr(RenderContext context, CallArguments arguments)
    {
        Value?[] bound = arguments.Bind("attr", 2, "obj", "name");
        string name = PythonText.Str(context, bound[1]!);
        return bound[0] is UndefinedValue undefined
            ? throw undefined.Fault()
            : Members.FindAttribute(bound[0]!, name) ?? UndefinedValue.Member(bound[0]!, name);
    }
}
