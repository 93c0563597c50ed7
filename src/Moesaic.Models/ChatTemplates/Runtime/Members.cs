using System.Numerics;
using Moesaic.Models.ChatTemplates.Methods;
using Moesaic.Models.ChatTemplates.Values;
using Value = Moesaic.Models.ChatTemplates.ChatTemplateValue;

namespace Moesaic.Models.ChatTemplates.Runtime;

/// <summary>
/// value.name and value[key] with Jinja2's fallbacks: a dot looks for a method or attribute first and for an item
/// second, a subscript the other way round. What is found nowhere is undefined.
/// </summary>
internal static class Members
{
    public static Value Attribute(Value target, string name)
    {
        if (target is UndefinedValue undefined)
        {
            throw undefined.Fault();
        }

        return FindAttribute(target, name) ?? FindItem(target, new StringValue(name)) ?? UndefinedValue.Member(target, name);
    }

    public static Value Item(Value target, Value key)
    {
        if (target is UndefinedValue undefined)
        {
            throw undefined.Fault();
        }

        if (FindItem(target, key) is { } item)
        {
            return item;
        }

        return key is StringValue name
            ? FindAttribute(target, name.Text) ?? UndefinedValue.Member(target, name.Text)
            : UndefinedValue.Element(target, DescribeKey(key));
    }

    private static string DescribeKey(Value key) =>
        Numbers.TryInteger(key, out BigInteger index) ? Numbers.ToText(index) : $"of type '{key.TypeName}'";

    private static Value? FindItem(Value target, Value key)
    {
        if (target is DictValue dict)
        {
            return key is ListValue or DictValue ? null : dict.TryGet(key, out Value? value) ? value : null;
        }

        return Numbers.TryInteger(key, out BigInteger index) ? Sequences.At(target, index) : null;
    }

    public static Value? FindAttribute(Value target, string name)
    {
        if (name.StartsWith('_'))
        {
            // Python objects have double-underscore attributes only; the sandbox hides them all.
            return name.StartsWith("__", StringComparison.Ordinal) && name.EndsWith("__", StringComparison.Ordinal) && name.Length > 4
                && target is not NamespaceValue
                ? UndefinedValue.Forbidden(target, name)
                : null;
        }

        switch (target)
        {
            case NamespaceValue space:
                return space.Attributes.GetValueOrDefault(name);
            case LoopValue loop:
                return loop.Member(name);
            case MacroValue macro:
                return MacroMember(macro, name);
            case CyclerValue cycler:
                return CyclerMember(cycler, name);
            case GroupValue group when name is "grouper" or "list":
                return group.Items[name == "grouper" ? 0 : 1];
            case IntValue or BoolValue when name is "real" or "numerator":
                return Arithmetic.Plus(target);
            case IntValue or BoolValue or FloatValue when name == "imag":
                return target is FloatValue ? new FloatValue(0) : new IntValue(0);
            case FloatValue when name == "real":
                return target;
            case IntValue or BoolValue when name == "denominator":
                return new IntValue(1);
            default:
                return MethodTable.Find(target, name);
        }
    }

    private static Value? MacroMember(MacroValue macro, string name) => name switch
    {
        "name" => new StringValue(macro.Name),
        "arguments" => new TupleValue([.. macro.Definition.Parameters.Select(p => new StringValue(p.Name))]),
        "catch_kwargs" => BoolValue.Of(macro.Definition.UsesKwargs),
        "catch_varargs" => BoolValue.Of(macro.Definition.UsesVarargs),
        "caller" => BoolValue.Of(macro.Definition.UsesCaller),
        _ => null,
    };

    private static Value? CyclerMember(CyclerValue cycler, string name) => name switch
    {
        "current" => cycler.Current,
        "next" => new FunctionValue("next", (_, _) => cycler.Next(), "method"),
        "reset" => new FunctionValue(
            "reset",
            (_, _) =>
            {
                cycler.Reset();
                return NoneValue.Instance;
            },
            "method"),
        _ => null,
    };
}
