using System.Globalization;
using System.Numerics;
using System.Text;
using Moesaic.Models.ChatTemplates.Filters;
using Moesaic.Models.ChatTemplates.Runtime;
using Moesaic.Models.ChatTemplates.Values;
using Value = Moesaic.Models.ChatTemplates.ChatTemplateValue;

namespace Moesaic.Models.ChatTemplates.Methods;

/// <summary>text % values: the older of Python's two ways to format.</summary>
internal sealed class PercentFormat
{
    private const int MaxPrecision = 1000;

    private readonly RenderContext _context;
    private readonly string _format;
    private readonly bool _escape;
    private readonly Value _values;
    private readonly IReadOnlyList<Value> _positional;
    private int _at;
    private int _used;

    private PercentFormat(RenderContext context, StringValue format, Value values)
    {
        _context = context;
        _format = format.Text;
        _escape = format.IsMarkup;
        _values = values;
        _positional = values is TupleValue tuple ? tuple.Items : [values];
    }

    public static StringValue Apply(RenderContext context, StringValue format, Value values) =>
        new(new PercentFormat(context, format, values).Run(), format.IsMarkup);

    private string Run()
    {
        StringBuilder output = new();
        bool named = false;
        while (_at < _format.Length)
        {
            char c = _format[_at++];
            if (c != '%')
            {
                output.Append(c);
                continue;
            }

            _context.Charge(1);
            named |= _at < _format.Length && _format[_at] == '(';
            _context.Append(output, Directive());
        }

        bool unused = _used < _positional.Count && !named && _values is not (DictValue or ListValue);
        return unused ? throw TemplateFault.Type("not all arguments converted during string formatting") : output.ToString();
    }

    private string Directive()
    {
        Value? named = Key();
        string flags = "";
        while (_at < _format.Length && (_format[_at] is '-' or '+' or ' ' or '#' or '0'))
        {
            flags += _format[_at++];
        }

        int width = Size() ?? 0;
        if (width < 0)
        {
            flags += "-";
            width = -width;
        }

        int precision = -1;
        if (_at < _format.Length && _format[_at] == '.')
        {
            _at++;
            precision = Math.Max(Size() ?? 0, 0);
            if (precision > MaxPrecision)
            {
                throw TemplateFault.Limit($"a format asks for more than {MaxPrecision} digits");
            }
        }

        while (_at < _format.Length && (_format[_at] is 'h' or 'l' or 'L'))
        {
            _at++;
        }

        if (_at == _format.Length)
        {
            throw TemplateFault.Value("incomplete format");
        }

        char type = _format[_at++];
        if (type == '%')
        {
            return "%";
        }

        string body = Convert(named ?? Next(), type, precision, flags);
        return Pad(body, width, flags, isNumber: type is not ('s' or 'r' or 'c'));
    }

    private Value? Key()
    {
        if (_at >= _format.Length || _format[_at] != '(')
        {
            return null;
        }

        if (_values is not DictValue dict)
        {
            throw TemplateFault.Type("format requires a mapping");
        }

        int close = _format.IndexOf(')', _at);
        if (close < 0)
        {
            throw TemplateFault.Value("incomplete format key");
        }

        string name = _format[(_at + 1)..close];
        _at = close + 1;
        return dict.TryGet(new StringValue(name), out Value? value)
            ? value
            : throw TemplateFault.Runtime("KeyError", PythonText.Quote(name));
    }

    private Value Next() => _used < _positional.Count
        ? _positional[_used++]
        : throw TemplateFault.Type("not enough arguments for format string");

    private int? Size()
    {
        if (_at < _format.Length && _format[_at] == '*')
        {
            _at++;
            return Parameters.Int(Next(), "* wants int");
        }

        int start = _at;
        while (_at < _format.Length && char.IsAsciiDigit(_format[_at]))
        {
            _at++;
        }

        return _at == start ? null
            : int.TryParse(_format.AsSpan(start, _at - start), NumberStyles.None, CultureInfo.InvariantCulture, out int size) ? size
            : throw TemplateFault.Value("width too big");
    }

    private string Convert(Value value, char type, int precision, string flags)
    {
        switch (type)
        {
            case 's' or 'r':
                string text = type == 's' ? PythonText.Str(_context, value) : PythonText.Repr(_context, value);
                text = _escape && value is not StringValue { IsMarkup: true } ? Markup.Escape(text) : text;
                return precision >= 0 && precision < CodePoints.Count(text) ? new StringValue(text).Slice(0, precision) : text;
            case 'c':
                return Character(value);
            case 'd' or 'i' or 'u':
                return Integer(value, flags, precision, static n => Numbers.ToText(n), "", type);
            case 'x' or 'X' or 'o':
                string prefix = flags.Contains('#', StringComparison.Ordinal) ? "0" + type : "";
                return Integer(value, flags, precision, n => Digits(n, type), prefix, type);
            case 'e' or 'E' or 'f' or 'F' or 'g' or 'G':
                return Float(value, type, precision < 0 ? 6 : precision, flags);
            default:
                throw TemplateFault.Value($"unsupported format character {PythonText.Quote(type.ToString())} at index {_at - 1}");
        }
    }

    private static string Digits(BigInteger magnitude, char type) => type switch
    {
        'o' => FormatSpec.Radix(magnitude, 3),
        'X' => FormatSpec.Radix(magnitude, 4).ToUpperInvariant(),
        _ => FormatSpec.Radix(magnitude, 4),
    };

    private static string Character(Value value)
    {
        if (value is StringValue { Length: 1 } text)
        {
            return text.Text;
        }

        return Numbers.TryInteger(value, out BigInteger code) && code >= 0 && code < 0x110000 && !(code >= 0xD800 && code < 0xE000)
            ? char.ConvertFromUtf32((int)code)
            : throw TemplateFault.Type("%c requires int or char");
    }

    private static string Integer(Value value, string flags, int precision, Func<BigInteger, string> digits, string prefix, char type)
    {
        BigInteger integer = value switch
        {
            FloatValue number when (type is 'd' or 'i' or 'u') => Numbers.Truncate(number.Value),
            UndefinedValue undefined => throw undefined.Fault(),
            _ => Numbers.TryInteger(value, out BigInteger exact)
                ? exact
                : throw TemplateFault.Type($"%{type} format: {(type is 'd' or 'i' or 'u' ? "a real number" : "an integer")} is required, not {value.TypeName}"),
        };
        string body = digits(BigInteger.Abs(integer));
        return Sign(integer.Sign < 0, flags) + prefix + body.PadLeft(Math.Max(precision, 0), '0');
    }

    private static string Float(Value value, char type, int precision, string flags)
    {
        if (!Numbers.IsNumber(value))
        {
            throw value is UndefinedValue undefined ? undefined.Fault() : TemplateFault.Type($"must be real number, not {value.TypeName}");
        }

        double number = Numbers.ToDouble(value);
        string sign = Sign(double.IsNegative(number) && !double.IsNaN(number), flags);
        double magnitude = Math.Abs(number);
        if (!double.IsFinite(magnitude))
        {
            string word = FloatText.Repr(magnitude);
            return sign + (char.IsAsciiLetterUpper(type) ? word.ToUpperInvariant() : word);
        }

        return sign + type switch
        {
            'f' or 'F' => FloatText.Fixed(magnitude, precision),
            'e' or 'E' => FloatText.Scientific(magnitude, precision, type),
            _ => FloatText.General(magnitude, precision, type == 'g' ? 'e' : 'E', flags.Contains('#', StringComparison.Ordinal)),
        };
    }

    private static string Sign(bool negative, string flags) =>
        negative ? "-" : flags.Contains('+', StringComparison.Ordinal) ? "+" : flags.Contains(' ', StringComparison.Ordinal) ? " " : "";

    private string Pad(string body, int width, string flags, bool isNumber)
    {
        int padding = width - CodePoints.Count(body);
        if (padding <= 0)
        {
            return body;
        }

        _context.ChargeText(padding);
        if (flags.Contains('-', StringComparison.Ordinal))
        {
            return body + new string(' ', padding);
        }

        if (!isNumber || !flags.Contains('0', StringComparison.Ordinal))
        {
            return new string(' ', padding) + body;
        }

        int signs = body[0] is '+' or '-' or ' ' ? 1 : 0;
        signs += body.Length > signs + 1 && body[signs] == '0' && (body[signs + 1] is 'x' or 'X' or 'o') ? 2 : 0;
        return body[..signs] + new string('0', padding) + body[signs..];
    }
}
