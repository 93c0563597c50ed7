using System.Numerics;
using Moesaic.Models.ChatTemplates.Methods;
using Moesaic.Models.ChatTemplates.Runtime;
using Value = Moesaic.Models.ChatTemplates.ChatTemplateValue;

namespace Moesaic.Models.ChatTemplates.Values;

/// <summary>The arithmetic operators on every type that has them.</summary>
internal static class Arithmetic
{
    public static Value Apply(RenderContext context, string symbol, Value a, Value b)
    {
        if (symbol == "%" && a is StringValue format)
        {
            return PercentFormat.Apply(context, format, b);
        }

        if ((a as UndefinedValue ?? b as UndefinedValue) is { } undefined)
        {
            throw undefined.Fault();
        }

        if (Numbers.IsNumber(a) && Numbers.IsNumber(b))
        {
            return Calculate(symbol, a, b);
        }

        return symbol switch
        {
            "+" => Add(context, a, b),
            "*" when Numbers.TryInteger(b, out BigInteger count) && Repeat(context, a, count) is { } repeated => repeated,
            "*" when Numbers.TryInteger(a, out BigInteger count) && Repeat(context, b, count) is { } repeated => repeated,
            "*" when a is StringValue or SequenceValue => throw TemplateFault.Type($"can't multiply sequence by non-int of type '{b.TypeName}'"),
            "*" when b is StringValue or SequenceValue => throw TemplateFault.Type($"can't multiply sequence by non-int of type '{a.TypeName}'"),
            _ => throw Unsupported(symbol, a, b),
        };
    }

    public static Value Negate(Value value)
    {
        if (value is UndefinedValue undefined)
        {
            throw undefined.Fault();
        }

        return value is FloatValue number
            ? new FloatValue(-number.Value)
            : Numbers.TryInteger(value, out BigInteger integer)
                ? new IntValue(-integer)
                : throw TemplateFault.Type($"bad operand type for unary -: '{value.TypeName}'");
    }

    public static Value Plus(Value value)
    {
        if (value is UndefinedValue undefined)
        {
            throw undefined.Fault();
        }

        return value is FloatValue
            ? value
            : Numbers.TryInteger(value, out BigInteger integer)
                ? new IntValue(integer)
                : throw TemplateFault.Type($"bad operand type for unary +: '{value.TypeName}'");
    }

    private static Value Calculate(string symbol, Value a, Value b)
    {
        if (symbol == "**")
        {
            return Numbers.Power(a, b);
        }

        if (Numbers.TryInteger(a, out BigInteger i) && Numbers.TryInteger(b, out BigInteger j))
        {
            return symbol switch
            {
                "+" => Numbers.Integer(i + j),
                "-" => Numbers.Integer(i - j),
                "*" => Numbers.Integer(i * j),
                "/" => new FloatValue(Numbers.Divide(i, j)),
                "//" => new IntValue(Numbers.FloorDivide(i, j)),
                _ => new IntValue(Numbers.Modulo(i, j)),
            };
        }

        double x = Numbers.ToDouble(a);
        double y = Numbers.ToDouble(b);
        return new FloatValue(symbol switch
        {
            "+" => x + y,
            "-" => x - y,
            "*" => x * y,
            "/" => y == 0 ? throw TemplateFault.Runtime("ZeroDivisionError", "float division by zero") : x / y,
            "//" => Numbers.FloorDivide(x, y),
            _ => Numbers.Modulo(x, y),
        });
    }

    private static Value Add(RenderContext context, Value a, Value b)
    {
        switch (a, b)
        {
            case (StringValue x, StringValue y):
                bool markup = x.IsMarkup || y.IsMarkup;
                string left = markup && !x.IsMarkup ? Markup.Escape(x.Text) : x.Text;
                string right = markup && !y.IsMarkup ? Markup.Escape(y.Text) : y.Text;
                context.ChargeText((long)left.Length + right.Length);
                return new StringValue(left + right, markup);
            case (ListValue x, ListValue y):
                context.ChargeList((long)x.Length + y.Length);
                return new ListValue([.. x.Items, .. y.Items]);
            case (TupleValue x, TupleValue y):
                context.ChargeList((long)x.Length + y.Length);
                return new TupleValue([.. x.Items, .. y.Items]);
            case (StringValue, _):
                throw TemplateFault.Type($"can only concatenate str (not \"{b.TypeName}\") to str");
            case (ListValue, _):
                throw TemplateFault.Type($"can only concatenate list (not \"{b.TypeName}\") to list");
            case (TupleValue, _):
                throw TemplateFault.Type($"can only concatenate tuple (not \"{b.TypeName}\") to tuple");
            default:
                throw Unsupported("+", a, b);
        }
    }

    private static Value? Repeat(RenderContext context, Value value, BigInteger count)
    {
        if (value is not (StringValue or SequenceValue))
        {
            return null;
        }

        BigInteger total = BigInteger.Max(count, 0) * (value is StringValue s ? s.Text.Length : value.Length);
        long length = total > int.MaxValue ? int.MaxValue : (long)total;
        if (value is StringValue text)
        {
            context.ChargeText(length);
            return new StringValue(length == 0 ? "" : new System.Text.StringBuilder((int)length).Insert(0, text.Text, (int)count).ToString(), text.IsMarkup);
        }

        context.ChargeList(length);
        List<Value> items = new((int)length);
        for (int i = 0; length > 0 && i < (int)count; i++)
        {
            items.AddRange(((SequenceValue)value).Items);
        }

        return value is ListValue ? new ListValue(items) : new TupleValue(items);
    }

    private static TemplateFault Unsupported(string symbol, Value a, Value b) =>
        TemplateFault.Type($"unsupported operand type(s) for {(symbol == "**" ? "** or pow()" : symbol)}: '{a.TypeName}' and '{b.TypeName}'");
}
