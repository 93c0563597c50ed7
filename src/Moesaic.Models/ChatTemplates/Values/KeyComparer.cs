using System.Numerics;
using Value = Moesaic.Models.ChatTemplates.ChatTemplateValue;

namespace Moesaic.Models.ChatTemplates.Values;

/// <summary>Equality of dict keys: 1, 1.0 and True are one key; lists and dicts are none.</summary>
internal sealed class KeyComparer : IEqualityComparer<Value>
{
    public static readonly KeyComparer Instance = new();

    // A tuple may hold the same tuple twice, again and again: its walk would double at every level.
    private const int MaxTupleDepth = 6;

    public static Value Check(Value key)
    {
        CheckHashable(key, 0);
        return key;
    }

    public bool Equals(Value? x, Value? y)
    {
        if (x is StringValue a && y is StringValue b)
        {
            return a.Text == b.Text;
        }

        if (Numbers.IsNumber(x!) && Numbers.IsNumber(y!))
        {
            return Numbers.Compare(x!, y!) == 0;
        }

        if (x is TupleValue s && y is TupleValue t)
        {
            return s.Length == t.Length && s.Items.Zip(t.Items).All(pair => Equals(pair.First, pair.Second));
        }

        return ReferenceEquals(x, y) || (x is UndefinedValue && y is UndefinedValue);
    }

    public int GetHashCode(Value obj)
    {
        switch (obj)
        {
            case StringValue text:
                return text.Text.GetHashCode();
            case BoolValue flag:
                return flag.Value ? 1 : 0;
            case IntValue number:
                return HashOf(number.Value);
            case FloatValue number:
                return double.IsFinite(number.Value) && Math.Floor(number.Value) == number.Value
                    ? HashOf(new BigInteger(number.Value))
                    : number.Value.GetHashCode();
            case TupleValue tuple:
                HashCode hash = default;
                foreach (Value item in tuple.Items)
                {
                    hash.Add(GetHashCode(item));
                }

                return hash.ToHashCode();
            case UndefinedValue:
                return 3;
            default:
                return System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(obj);
        }
    }

    private static int HashOf(BigInteger value) =>
        value >= int.MinValue && value <= int.MaxValue ? (int)value : value.GetHashCode();

    private static void CheckHashable(Value key, int depth)
    {
        if (key is ListValue or DictValue)
        {
            throw TemplateFault.Type($"unhashable type: '{key.TypeName}'");
        }

        if (key is TupleValue tuple)
        {
            if (depth == MaxTupleDepth)
            {
                throw TemplateFault.Limit($"a dict key nests tuples deeper than {MaxTupleDepth} levels");
            }

            foreach (Value item in tuple.Items)
            {
                CheckHashable(item, depth + 1);
            }
        }
    }
}
