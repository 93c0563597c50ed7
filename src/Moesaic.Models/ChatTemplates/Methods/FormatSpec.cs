using System.Globalization;
using System.Numerics;
using System.Text;
using Moesaic.Models.ChatTemplates.Runtime;
using Moesaic.Models.ChatTemplates.Values;
using Value = Moesaic.Models.ChatTemplates.ChatTemplateValue;

namespace Moesaic.Models.ChatTemplates.Methods;

/// <summary>Python's format specification: [[fill]align][sign][#][0][width][grouping][.precision][type].</summary>
internal sealed class FormatSpec
{
    private const int MaxPrecision = 1000;

    private string _fill = " ";
    private char _align;
    private char _sign = '-';
    private bool _alternate;
    private int _width;
    private char _grouping;
    private int _precision = -1;
    private char _type;

    public static string Apply(RenderContext context, Value value, string spec)
    {
        if (spec.Length == 0)
        {
            return PythonText.Str(context, value);
        }

        FormatSpec parsed = Parse(spec);
        string body = value switch
        {
            StringValue text => parsed.Text(text),
            FloatValue number => parsed.Float(number.Value),
            IntValue => parsed.Integer(value),
            BoolValue flag => parsed._type == '\0' && parsed._align == '\0' ? PythonText.Str(context, flag) : parsed.Integer(value),
            _ => throw TemplateFault.Type($"unsupported format string passed to {value.TypeName}.__format__"),
        };
        return parsed.Pad(context, body, Numbers.IsNumber(value));
    }

    private static FormatSpec Parse(string spec)
    {
        FormatSpec parsed = new();
        int at = 0;
        int first = CodePoints.LengthAt(spec, 0);
        if (spec.Length > first && IsAlign(spec[first]))
        {
            parsed._fill = spec[..first];
            parsed._align = spec[first];
            at = first + 1;
        }
        else if (IsAlign(spec[0]))
        {
            parsed._align = spec[at++];
        }

        if (at < spec.Length && (spec[at] is '+' or '-' or ' '))
        {
            parsed._sign = spec[at++];
        }

        if (at < spec.Length && spec[at] == '#')
        {
            parsed._alternate = true;
            at++;
        }

        if (at < spec.Length && spec[at] == '0' && parsed._align == '\0')
        {
            parsed._fill = "0";
            parsed._align = '=';
            at++;
        }

        parsed._width = Number(spec, ref at) ?? 0;
        if (at < spec.Length && (spec[at] is ',' or '_'))
        {
            parsed._grouping = spec[at++];
        }

        if (at < spec.Length && spec[at] == '.')
        {
            at++;
            parsed._precision = Number(spec, ref at) ?? throw TemplateFault.Value("Format specifier missing precision");
            if (parsed._precision > MaxPrecision)
            {
                throw TemplateFault.Limit($"a format asks for more than {MaxPrecision} digits");
            }
        }

        if (at < spec.Length)
        {
            parsed._type = spec[at++];
        }

        return at == spec.Length ? parsed : throw TemplateFault.Value("Invalid format specifier");
    }

    private static bool IsAlign(char c) => c is '<' or '>' or '^' or '=';

    private static int? Number(string spec, ref int at)
    {
        int start = at;
        while (at < spec.Length && char.IsAsciiDigit(spec[at]))
        {
            at++;
        }

        return at == start ? null
            : int.TryParse(spec.AsSpan(start, at - start), NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number
            : throw TemplateFault.Value("Too many decimal digits in format string");
    }

    private string Text(StringValue text)
    {
        if (_type is not ('\0' or 's'))
        {
            throw TemplateFault.Value($"Unknown format code '{_type}' for object of type 'str'");
        }

        if (_align == '=' && _fill != "0")
        {
            throw TemplateFault.Value("'=' alignment not allowed in string format specifier");
        }

        return _precision >= 0 && _precision < text.Length ? text.Slice(0, _precision) : text.Text;
    }

    private string Integer(Value value)
    {
        Numbers.TryInteger(value, out BigInteger integer);
        if (_type is 'e' or 'E' or 'f' or 'F' or 'g' or 'G' or '%')
        {
            return Float(Numbers.ToDouble(integer));
        }

        if (_precision >= 0)
        {
            throw TemplateFault.Value("Precision not allowed in integer format specifier");
        }

        BigInteger magnitude = BigInteger.Abs(integer);
        string digits = _type switch
        {
            '\0' or 'd' or 'n' => Numbers.ToText(magnitude),
            'x' => Radix(magnitude, 4),
            'X' => Radix(magnitude, 4).ToUpperInvariant(),
            'o' => Radix(magnitude, 3),
            'b' => Radix(magnitude, 1),
            'c' => integer >= 0 && integer < 0x110000 && !(integer >= 0xD800 && integer < 0xE000)
                ? char.ConvertFromUtf32((int)integer)
                : throw TemplateFault.Runtime("OverflowError", "%c arg not in range(0x110000)"),
            _ => throw TemplateFault.Value($"Unknown format code '{_type}' for object of type 'int'"),
        };
        string prefix = _alternate && (_type is 'x' or 'X' or 'o' or 'b') ? "0" + _type : "";
        return Sign(integer.Sign < 0) + prefix + Group(digits, _type is '\0' or 'd' or 'n' ? 3 : 4);
    }

    public static string Radix(BigInteger magnitude, int bits)
    {
        if (magnitude.IsZero)
        {
            return "0";
        }

        StringBuilder digits = new();
        int mask = (1 << bits) - 1;
        for (BigInteger rest = magnitude; !rest.IsZero; rest >>= bits)
        {
            digits.Insert(0, "0123456789abcdef"[(int)(rest & mask)]);
        }

        return digits.ToString();
    }

    private string Float(double value)
    {
        bool negative = double.IsNegative(value) && !double.IsNaN(value);
        string sign = Sign(negative);
        double magnitude = Math.Abs(value);
        if (!double.IsFinite(value))
        {
            string word = FloatText.Repr(magnitude);
            return sign + (char.IsAsciiLetterUpper(_type) ? word.ToUpperInvariant() : word) + (_type == '%' ? "%" : "");
        }

        int precision = _precision < 0 ? 6 : _precision;
        string body = _type switch
        {
            '\0' when _precision < 0 => FloatText.Repr(magnitude),
            '\0' => WithPoint(FloatText.General(magnitude, precision, 'e', _alternate)),
            'f' or 'F' => FloatText.Fixed(magnitude, precision),
            'e' or 'E' => FloatText.Scientific(magnitude, precision, _type),
            'g' or 'n' => FloatText.General(magnitude, precision, 'e', _alternate),
            'G' => FloatText.General(magnitude, precision, 'E', _alternate),
            '%' => FloatText.Fixed(magnitude * 100, precision) + "%",
            _ => throw TemplateFault.Value($"Unknown format code '{_type}' for object of type 'float'"),
        };
        int whole = body.AsSpan().IndexOfAnyExceptInRange('0', '9');
        whole = whole < 0 ? body.Length : whole;
        return sign + Group(body[..whole], 3) + body[whole..];
    }

    // Without a type, a float keeps a digit after its point.
    private static string WithPoint(string text) => text.AsSpan().IndexOfAny('.', 'e') < 0 ? text + ".0" : text;

    private string Sign(bool negative) => negative ? "-" : _sign == '-' ? "" : _sign.ToString();

    private string Group(string digits, int size)
    {
        if (_grouping == '\0')
        {
            return digits;
        }

        // Zeros that fill up to the width are grouped with the digits.
        StringBuilder grouped = new();
        for (int i = 0; i < digits.Length; i++)
        {
            if (i > 0 && (digits.Length - i) % size == 0)
            {
                grouped.Append(_grouping);
            }

            grouped.Append(digits[i]);
        }

        return grouped.ToString();
    }

    private string Pad(RenderContext context, string body, bool isNumber)
    {
        int length = CodePoints.Count(body);
        int padding = _width - length;
        if (padding <= 0)
        {
            return body;
        }

        context.ChargeText((long)padding * _fill.Length);
        char align = _align == '\0' ? (isNumber ? '>' : '<') : _align;
        if (align == '=' && !isNumber)
        {
            align = '<';
        }

        int left = align switch { '<' => 0, '^' => padding / 2, _ => padding };
        string before = Repeat(left);
        string after = Repeat(padding - left);
        if (align == '=')
        {
            int signs = body.Length > 0 && (body[0] is '+' or '-' or ' ') ? 1 : 0;
            signs += body.Length > signs + 1 && body[signs] == '0' && char.IsAsciiLetter(body[signs + 1]) && _alternate ? 2 : 0;
            return body[..signs] + before + body[signs..];
        }

        return before + body + after;
    }

    private string Repeat(int count) => new StringBuilder(count * _fill.Length).Insert(0, _fill, count).ToString();
}
