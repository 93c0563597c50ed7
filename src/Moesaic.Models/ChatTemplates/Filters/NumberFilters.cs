using System.Globalization;
using System.Numerics;
using Moesaic.Models.ChatTemplates.Runtime;
using Moesaic.Models.ChatTemplates.Values;
using Value = Moesaic.Models.ChatTemplates.ChatTemplateValue;

namespace Moesaic.Models.ChatTemplates.Filters;

/// <summary>Filters that make or take numbers.</summary>
internal static class NumberFilters
{
    public static Dictionary<string, Filter> All { get; } = new()
    {
        ["int"] = ToInt,
        ["float"] = ToFloat,
        ["abs"] = static (_, a) => Abs(a.Bind("abs", 1, "x")[0]!),
        ["round"] = Round,
    };

    /// <summary>Python's int(text, base); null when the text is no such number.</summary>
    public static BigInteger? ParseInt(string text, int radix)
    {
        string trimmed = Methods.Stripping.Strip(text, null, true, true);
        bool negative = trimmed.StartsWith('-');
        string digits = negative || trimmed.StartsWith('+') ? trimmed[1..] : trimmed;
        if (digits.Length > 2 && digits[0] == '0' && char.IsAsciiLetter(digits[1]))
        {
            int prefixed = char.ToLowerInvariant(digits[1]) switch { 'x' => 16, 'o' => 8, 'b' => 2, _ => 0 };
            if (prefixed != 0 && (radix == prefixed || radix == 0))
            {
                radix = prefixed;
                digits = digits[2..].TrimStart('_');
            }
        }

        radix = radix == 0 ? 10 : radix;
        if (digits.Length == 0 || digits[0] == '_' || digits[^1] == '_' || digits.Contains("__", StringComparison.Ordinal))
        {
            return null;
        }

        if (digits.Length > IntValue.MaxDigits)
        {
            throw TemplateFault.Value($"Exceeds the limit ({IntValue.MaxDigits} digits) for integer string conversion");
        }

        BigInteger value = BigInteger.Zero;
        foreach (int c in CodePoints.Each(digits))
        {
            if (c == '_')
            {
                continue;
            }

            int digit = Methods.CharacterClasses.DecimalDigit(c);
            digit = digit >= 0 ? digit : c < 128 && char.IsAsciiLetter((char)c) ? char.ToLowerInvariant((char)c) - 'a' + 10 : int.MaxValue;
            if (digit >= radix)
            {
                return null;
            }

            value = (value * radix) + digit;
        }

        return negative ? -value : value;
    }

    /// <summary>Python's float(text); null when the text is no number.</summary>
    public static double? ParseFloat(string text)
    {
        string trimmed = Methods.Stripping.Strip(text, null, true, true);
        string lower = trimmed.ToLowerInvariant().TrimStart('+', '-');
        double sign = trimmed.StartsWith('-') ? -1 : 1;
        if (trimmed.Length - lower.Length <= 1 && (lower is "inf" or "infinity" or "nan"))
        {
            return lower == "nan" ? double.NaN : sign * double.PositiveInfinity;
        }

        for (int i = 0; i < trimmed.Length; i++)
        {
            bool between = i > 0 && i + 1 < trimmed.Length && char.IsAsciiDigit(trimmed[i - 1]) && char.IsAsciiDigit(trimmed[i + 1]);
            if (trimmed[i] == '_' && !between)
            {
                return null;
            }
        }

        string plain = trimmed.Replace("_", "", StringComparison.Ordinal);
        const NumberStyles Style = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;
        bool starts = plain.Length > 0 && (char.IsAsciiDigit(plain[^1]) || plain[^1] == '.');
        return starts && plain.All(char.IsAscii) && double.TryParse(plain, Style, CultureInfo.InvariantCulture, out double value) ? value : null;
    }

    public static Value Abs(Value value) => value switch
    {
        UndefinedValue undefined => throw undefined.Fault(),
        FloatValue number => new FloatValue(Math.Abs(number.Value)),
        _ => Numbers.TryInteger(value, out BigInteger integer)
            ? new IntValue(BigInteger.Abs(integer))
            : throw TemplateFault.Type($"bad operand type for abs(): '{value.TypeName}'"),
    };

    private static Value ToInt(RenderContext context, CallArguments arguments)
    {
        Value?[] bound = arguments.Bind("int", 1, "value", "default", "base");
        Value otherwise = bound[1] ?? new IntValue(0);
        int radix = Parameters.Int(bound[2], "int: base", 10);
        switch (bound[0])
        {
            case UndefinedValue undefined:
                throw undefined.Fault();
            case StringValue text:
                context.ChargeText(text.Text.Length);
                if (ParseInt(text.Text, radix) is { } parsed)
                {
                    return Numbers.Integer(parsed);
                }

                return ParseFloat(text.Text) is double number && double.IsFinite(number) ? new IntValue(new BigInteger(number)) : otherwise;
            case FloatValue { Value: double value }:
                // An infinity is an OverflowError in Python, which the filter lets out; NaN gives the default.
                return double.IsNaN(value) ? otherwise : new IntValue(Numbers.Truncate(value));
            default:
                return Numbers.TryInteger(bound[0]!, out BigInteger integer) ? new IntValue(integer) : otherwise;
        }
    }

    private static Value ToFloat(RenderContext context, CallArguments arguments)
    {
        Value?[] bound = arguments.Bind("float", 1, "value", "default");
        Value otherwise = bound[1] ?? new FloatValue(0);
        return bound[0] switch
        {
            UndefinedValue undefined => throw undefined.Fault(),
            StringValue text => ParseFloat(text.Text) is double parsed ? new FloatValue(parsed) : otherwise,
            Value number when Numbers.IsNumber(number) => new FloatValue(Numbers.ToDouble(number)),
            _ => otherwise,
        };
    }

    private static Value Round(RenderContext context, CallArguments arguments)
    {
        Value?[] bound = arguments.Bind("round", 1, "value", "precision", "method");
        Value value = bound[0]!;
        int precision = Parameters.Int(bound[1], "round: precision", 0);
        string method = bound[2] is null ? "common" : Parameters.Text(bound[2]!, "round: method");
        if (method is not ("common" or "ceil" or "floor"))
        {
            throw TemplateFault.Argument("method must be common, ceil or floor");
        }

        if (value is UndefinedValue undefined)
        {
            throw undefined.Fault();
        }

        if (!Numbers.IsNumber(value))
        {
            throw TemplateFault.Type($"type {value.TypeName} doesn't define __round__ method");
        }

        if (method == "common")
        {
            return value is FloatValue number ? new FloatValue(FloatText.Round(number.Value, precision)) : RoundInteger(value, precision);
        }

        Value power = Numbers.Power(new IntValue(10), new IntValue(precision));
        double scaled = Numbers.ToDouble(Arithmetic.Apply(context, "*", value, power));
        BigInteger whole = Numbers.Truncate(method == "ceil" ? Math.Ceiling(scaled) : Math.Floor(scaled));
        return Arithmetic.Apply(context, "/", new IntValue(whole), power);
    }

    private static IntValue RoundInteger(Value value, int precision)
    {
        Numbers.TryInteger(value, out BigInteger integer);
        if (precision >= 0)
        {
            return new IntValue(integer);
        }

        if (-precision > IntValue.MaxDigits)
        {
            return new IntValue(0);
        }

        BigInteger unit = BigInteger.Pow(10, -precision);
        return new IntValue(FloatText.RoundHalfEven(integer, unit) * unit);
    }
}
