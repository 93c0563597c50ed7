using System.Globalization;
using System.Text;
using Moesaic.Models.ChatTemplates.Runtime;
using Moesaic.Models.ChatTemplates.Values;
using Value = Moesaic.Models.ChatTemplates.ChatTemplateValue;

namespace Moesaic.Models.ChatTemplates.Methods;

/// <summary>str.format: {}, {0}, {name.attribute[item]!r:spec}.</summary>
internal sealed class BraceFormat
{
    private readonly RenderContext _context;
    private readonly CallArguments _arguments;
    private int _automatic;
    private bool _manual;

    private BraceFormat(RenderContext context, CallArguments arguments)
    {
        _context = context;
        _arguments = arguments;
    }

    public static StringValue Apply(RenderContext context, StringValue format, CallArguments arguments) =>
        new(new BraceFormat(context, arguments).Format(format.Text, 0), format.IsMarkup);

    private string Format(string format, int depth)
    {
        if (depth > 1)
        {
            throw TemplateFault.Value("Max string recursion exceeded");
        }

        StringBuilder output = new();
        for (int i = 0; i < format.Length; i++)
        {
            char c = format[i];
            if (c is not ('{' or '}'))
            {
                output.Append(c);
                continue;
            }

            if (i + 1 < format.Length && format[i + 1] == c)
            {
                output.Append(c);
                i++;
                continue;
            }

            if (c == '}')
            {
                throw TemplateFault.Value("Single '}' encountered in format string");
            }

            int end = FieldEnd(format, i + 1);
            _context.Append(output, Field(format[(i + 1)..end], depth));
            i = end;
        }

        return output.ToString();
    }

    private static int FieldEnd(string format, int start)
    {
        int open = 1;
        bool inItem = false;
        for (int i = start; i < format.Length; i++)
        {
            switch (format[i])
            {
                case '[' when open == 1:
                    inItem = true;
                    break;
                case ']' when inItem:
                    inItem = false;
                    break;
                case '{' when !inItem:
                    open++;
                    break;
                case '}' when !inItem && --open == 0:
                    return i;
            }
        }

        throw TemplateFault.Value(start == format.Length ? "Single '{' encountered in format string" : "expected '}' before end of string");
    }

    private string Field(string field, int depth)
    {
        _context.Charge(1);
        int nameEnd = NameEnd(field);
        string name = field[..nameEnd];
        char conversion = '\0';
        string spec = "";
        int rest = nameEnd;
        if (rest < field.Length && field[rest] == '!')
        {
            if (rest + 1 >= field.Length || (rest + 2 < field.Length && field[rest + 2] != ':'))
            {
                throw TemplateFault.Value("expected ':' after conversion specifier");
            }

            conversion = field[rest + 1];
            rest += 2;
        }

        if (rest < field.Length)
        {
            spec = Format(field[(rest + 1)..], depth + 1);
        }

        Value value = Resolve(name);
        value = conversion switch
        {
            '\0' => value,
            's' => new StringValue(PythonText.Str(_context, value)),
            'r' => new StringValue(PythonText.Repr(_context, value)),
            'a' => throw TemplateFault.Unsupported("the conversion !a"),
            _ => throw TemplateFault.Value($"Unknown conversion specifier {conversion}"),
        };
        return FormatSpec.Apply(_context, value, spec);
    }

    private static int NameEnd(string field)
    {
        bool inItem = false;
        for (int i = 0; i < field.Length; i++)
        {
            inItem = field[i] switch { '[' => true, ']' => false, _ => inItem };
            if (!inItem && (field[i] is '!' or ':'))
            {
                return i;
            }
        }

        return field.Length;
    }

    private Value Resolve(string path)
    {
        int end = path.AsSpan().IndexOfAny('.', '[');
        string name = end < 0 ? path : path[..end];
        Value value = Argument(name);
        int at = name.Length;
        while (at < path.Length)
        {
            if (path[at] == '.')
            {
                int next = path.AsSpan(at + 1).IndexOfAny('.', '[');
                next = next < 0 ? path.Length : at + 1 + next;
                string attribute = path[(at + 1)..next];
                value = attribute.Length == 0
                    ? throw TemplateFault.Value("Empty attribute in format string")
                    : Members.Attribute(value, attribute);
                at = next;
            }
            else
            {
                int close = path.IndexOf(']', at);
                if (path[at] != '[' || close < 0)
                {
                    throw TemplateFault.Value("Missing ']' in format string");
                }

                string key = path[(at + 1)..close];
                bool isIndex = key.Length is > 0 and < 10 && key.All(char.IsAsciiDigit);
                value = Members.Item(value, isIndex
                    ? new IntValue(int.Parse(key, NumberStyles.None, CultureInfo.InvariantCulture))
                    : new StringValue(key));
                at = close + 1;
            }
        }

        return value;
    }

    private Value Argument(string name)
    {
        if (name.Length > 0 && !name.All(char.IsAsciiDigit))
        {
            return _arguments.Keyword.GetValueOrDefault(name)
                ?? throw TemplateFault.Runtime("KeyError", PythonText.Quote(name));
        }

        bool automatic = name.Length == 0;
        if (automatic ? _manual : _automatic > 0)
        {
            throw TemplateFault.Value("cannot switch between manual field specification and automatic field numbering");
        }

        _manual |= !automatic;
        int index = automatic ? _automatic++ : name.Length < 10 ? int.Parse(name, NumberStyles.None, CultureInfo.InvariantCulture) : int.MaxValue;
        return index < _arguments.Positional.Count
            ? _arguments.Positional[index]
            : throw TemplateFault.Runtime("IndexError", $"Replacement index {index} out of range for positional args tuple");
    }
}
