using Moesaic.Models.ChatTemplates.Runtime;
using Value = Moesaic.Models.ChatTemplates.ChatTemplateValue;

namespace Moesaic.Models.ChatTemplates.Values;

/// <summary>==, &lt; and in, as Python compares.</summary>
internal static class Comparisons
{
    private const int MaxDepth = 200;

    public static bool AreEqual(RenderContext context, Value a, Value b) => AreEqual(context, a, b, 0);

    /// <summary>Order of two values for &lt; and its kin; null when unordered (NaN), a TypeError when incomparable.</summary>
    public static int? Compare(RenderContext context, Value a, Value b, string symbol) => Compare(context, a, b, symbol, 0);

    /// <summary>a &lt; b as sorting asks it.</summary>
    public static int Order(RenderContext context, Value a, Value b) => Compare(context, a, b, "<") ?? 0;

    /// <summary>item in container.</summary>
    public static bool Contains(RenderContext context, Value container, Value item)
    {
        switch (container)
        {
            case StringValue text:
                if (item is not StringValue part)
                {
                    throw TemplateFault.Type($"'in <string>' requires string as left operand, not {item.TypeName}");
                }

                context.ChargeText(text.Text.Length);
                return text.Text.Contains(part.Text, StringComparison.Ordinal);
            case DictValue dict:
                return dict.TryGet(item, out _);
            case DictViewValue { Kind: DictViewKind.Keys } view:
                return view.Dict.TryGet(item, out _);
        }

        if (container.TryIterate() is null)
        {
            throw TemplateFault.Type($"argument of type '{container.TypeName}' is not iterable");
        }

        foreach (Value candidate in Sequences.Each(context, container))
        {
            if (AreEqual(context, candidate, item))
            {
                return true;
            }
        }

        return false;
    }

    private static bool AreEqual(RenderContext context, Value a, Value b, int depth)
    {
        context.Charge(1);
        if (a is StringValue x && b is StringValue y)
        {
            context.ChargeText(Math.Min(x.Text.Length, y.Text.Length));
            return x.Text == y.Text;
        }

        if (ReferenceEquals(a, b))
        {
            return a is not FloatValue { Value: double.NaN };
        }

        if (Numbers.IsNumber(a) && Numbers.IsNumber(b))
        {
            return Numbers.Compare(a, b) == 0;
        }

        if (depth > MaxDepth)
        {
            throw TemplateFault.Limit($"compared values nest deeper than {MaxDepth} levels");
        }

        return (a, b) switch
        {
            (ListValue s, ListValue t) => AreAllEqual(context, s, t, depth),
            (TupleValue s, TupleValue t) => AreAllEqual(context, s, t, depth),
            (DictValue s, DictValue t) => AreDictsEqual(context, s, t, withValues: true, depth),
            (RangeValue s, RangeValue t) => s.Length == t.Length
                && (s.Length == 0 || (s.Start == t.Start && (s.Length == 1 || s.Step == t.Step))),
            (DictViewValue s, DictViewValue t) => s.Kind == t.Kind && s.Kind != DictViewKind.Values && AreDictsEqual(context, s.Dict, t.Dict, s.Kind == DictViewKind.Items, depth),
            (UndefinedValue, UndefinedValue) => true,
            _ => false,
        };
    }

    private static bool AreAllEqual(RenderContext context, SequenceValue a, SequenceValue b, int depth)
    {
        if (a.Length != b.Length)
        {
            return false;
        }

        for (int i = 0; i < a.Length; i++)
        {
            if (!ReferenceEquals(a.Items[i], b.Items[i]) && !AreEqual(context, a.Items[i], b.Items[i], depth + 1))
            {
                return false;
            }
        }

        return true;
    }

    private static bool AreDictsEqual(RenderContext context, DictValue a, DictValue b, bool withValues, int depth)
    {
        if (a.Length != b.Length)
        {
            return false;
        }

        foreach ((Value key, Value value) in a.Entries)
        {
            if (!b.TryGet(key, out Value? other) || (withValues && !AreEqual(context, value, other, depth + 1)))
            {
                return false;
            }
        }

        return true;
    }

    private static int? Compare(RenderContext context, Value a, Value b, string symbol, int depth)
    {
        context.Charge(1);
        if (a is StringValue x && b is StringValue y)
        {
            context.ChargeText(Math.Min(x.Text.Length, y.Text.Length));
            return CodePoints.Compare(x.Text, y.Text);
        }

        if (Numbers.IsNumber(a) && Numbers.IsNumber(b))
        {
            return Numbers.Compare(a, b);
        }

        if ((a as UndefinedValue ?? b as UndefinedValue) is { } undefined)
        {
            throw undefined.Fault();
        }

        bool comparable = (a is ListValue && b is ListValue) || (a is TupleValue && b is TupleValue);
        if (!comparable)
        {
            throw TemplateFault.Type($"'{symbol}' not supported between instances of '{a.TypeName}' and '{b.TypeName}'");
        }

        if (depth > MaxDepth)
        {
            throw TemplateFault.Limit($"compared values nest deeper than {MaxDepth} levels");
        }

        SequenceValue s = (SequenceValue)a;
        SequenceValue t = (SequenceValue)b;
        for (int i = 0; i < Math.Min(s.Length, t.Length); i++)
        {
            if (!AreEqual(context, s.Items[i], t.Items[i]))
            {
                return Compare(context, s.Items[i], t.Items[i], symbol, depth + 1);
            }
        }

        return s.Length.CompareTo(t.Length);
    }
}
