using System.Numerics;
using Moesaic.Models.ChatTemplates.Runtime;
using Value = Moesaic.Models.ChatTemplates.ChatTemplateValue;

namespace Moesaic.Models.ChatTemplates.Values;

/// <summary>Iteration, indexing, slicing and sorting as Python does them.</summary>
internal static class Sequences
{
    /// <summary>iter(value), charging a step per item.</summary>
    public static IEnumerator<Value> Iterate(RenderContext context, Value value)
    {
        return Counted(context, value.TryIterate() ?? throw TemplateFault.Type($"'{value.TypeName}' object is not iterable"));
    }

    /// <summary>list(value).</summary>
    public static IReadOnlyList<Value> ToList(RenderContext context, Value value)
    {
        if (value is SequenceValue sequence)
        {
            return sequence.Items;
        }

        List<Value> items = [];
        using IEnumerator<Value> iterator = Iterate(context, value);
        while (iterator.MoveNext())
        {
            items.Add(iterator.Current);
            if (items.Count > context.Limits.MaxListLength)
            {
                context.ChargeList(items.Count);
            }
        }

        return items;
    }

    /// <summary>Items as an enumerable, charged as they are taken.</summary>
    public static IEnumerable<Value> Each(RenderContext context, Value value)
    {
        using IEnumerator<Value> iterator = Iterate(context, value);
        while (iterator.MoveNext())
        {
            yield return iterator.Current;
        }
    }

    /// <summary>len(value).</summary>
    public static int Length(Value value) => value.Length >= 0
        ? value.Length
        : throw TemplateFault.Type($"object of type '{value.TypeName}' has no len()");

    /// <summary>The item at a Python index (negative from the end), or null when out of range or not a sequence.</summary>
    public static Value? At(Value value, BigInteger index)
    {
        int length = value switch
        {
            StringValue or SequenceValue or RangeValue => value.Length,
            _ => -1,
        };
        if (index.Sign < 0)
        {
            index += length;
        }

        if (index.Sign < 0 || index >= length)
        {
            return null;
        }

        int i = (int)index;
        return value switch
        {
            StringValue text => new StringValue(text.At(i), text.IsMarkup),
            SequenceValue sequence => sequence.Items[i],
            RangeValue range => range.At(i),
            _ => null,
        };
    }

    /// <summary>value[start:stop:step] with any part absent; null for a type without slices.</summary>
    public static Value? Slice(RenderContext context, Value value, Value start, Value stop, Value step)
    {
        if (value is not (StringValue or SequenceValue or RangeValue))
        {
            return null;
        }

        int length = value.Length;
        BigInteger stride = step is NoneValue ? BigInteger.One : Part(step);
        if (stride.IsZero)
        {
            throw TemplateFault.Value("slice step cannot be zero");
        }

        bool forward = stride.Sign > 0;
        int from = start is NoneValue ? (forward ? 0 : length - 1) : Clamp(Part(start), length, forward);
        int to = stop is NoneValue ? (forward ? length : -1) : Clamp(Part(stop), length, forward);
        int by = (int)BigInteger.Min(BigInteger.Max(stride, -length - 1), length + 1);
        int count = by > 0 ? (from < to ? ((to - from - 1) / by) + 1 : 0) : (to < from ? ((from - to - 1) / -by) + 1 : 0);
        if (value is StringValue text)
        {
            context.ChargeText(count);
            return new StringValue(by == 1 ? text.Slice(from, Math.Max(from, to)) : Pick(text, from, by, count), text.IsMarkup);
        }

        context.ChargeList(count);
        if (value is RangeValue range)
        {
            long newStep = range.Step * by;
            long newStart = range.Start + (range.Step * from);
            return new RangeValue(newStart, range.Start + (range.Step * to), newStep, count);
        }

        IReadOnlyList<Value> source = ((SequenceValue)value).Items;
        Value[] items = new Value[count];
        for (int i = 0; i < count; i++)
        {
            items[i] = source[from + (i * by)];
        }

        return value is ListValue ? new ListValue(items) : new TupleValue(items);
    }

    /// <summary>Stable merge sort; a comparison may throw.</summary>
    public static void Sort<T>(RenderContext context, T[] items, Comparison<T> compare)
    {
        T[] buffer = new T[items.Length];
        for (int width = 1; width < items.Length; width *= 2)
        {
            for (int low = 0; low < items.Length; low += 2 * width)
            {
                int middle = Math.Min(low + width, items.Length);
                int high = Math.Min(low + (2 * width), items.Length);
                int left = low;
                int right = middle;
                for (int i = low; i < high; i++)
                {
                    context.Charge(1);
                    bool takeLeft = left < middle && (right >= high || compare(items[right], items[left]) >= 0);
                    buffer[i] = takeLeft ? items[left++] : items[right++];
                }
            }

            buffer.CopyTo(items, 0);
        }
    }

    private static string Pick(StringValue text, int from, int by, int count)
    {
        System.Text.StringBuilder picked = new(count);
        for (int i = 0; i < count; i++)
        {
            picked.Append(text.At(from + (i * by)));
        }

        return picked.ToString();
    }

    private static BigInteger Part(Value value) => value switch
    {
        UndefinedValue undefined => throw undefined.Fault(),
        _ => Numbers.TryInteger(value, out BigInteger integer)
            ? integer
            : throw TemplateFault.Type("slice indices must be integers or None or have an __index__ method"),
    };

    private static int Clamp(BigInteger index, int length, bool forward)
    {
        if (index.Sign < 0)
        {
            index += length;
        }

        BigInteger low = forward ? 0 : -1;
        BigInteger high = forward ? length : length - 1;
        return (int)BigInteger.Min(BigInteger.Max(index, low), high);
    }

    private static IEnumerator<Value> Counted(RenderContext context, IEnumerator<Value> items)
    {
        while (items.MoveNext())
        {
            context.Charge(1);
            yield return items.Current;
        }
    }
}
