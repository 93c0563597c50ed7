using System.Globalization;
using System.Text;
using Moesaic.Models.ChatTemplates.Runtime;
using Moesaic.Models.ChatTemplates.Values;
using Value = Moesaic.Models.ChatTemplates.ChatTemplateValue;

namespace Moesaic.Models.ChatTemplates.Filters;

/// <summary>
/// tojson as transformers replaces it: Python's json.dumps with non-ASCII kept and no HTML escaping.
/// </summary>
internal sealed class JsonFilter
{
    private const int MaxDepth = 200;

    private readonly RenderContext _context;
    private readonly StringBuilder _output = new();
    private readonly bool _ensureAscii;
    private readonly bool _sortKeys;
    private readonly string? _indent;
    private readonly string _itemSeparator;
    private readonly string _keySeparator;

    private JsonFilter(RenderContext context, Value?[] options)
    {
        _context = context;
        _ensureAscii = Parameters.Flag(options[1]);
        _indent = Indent(context, options[2]);
        (_itemSeparator, _keySeparator) = Separators(context, options[3], _indent is not null);
        _sortKeys = Parameters.Flag(options[4]);
    }

    public static Dictionary<string, Filter> All { get; } = new() { ["tojson"] = Apply };

    private static StringValue Apply(RenderContext context, CallArguments arguments)
    {
        Value?[] bound = arguments.Bind("tojson", 1, "x", "ensure_ascii", "indent", "separators", "sort_keys");
        JsonFilter writer = new(context, bound);
        writer.Write(bound[0]!, 0);
        return new StringValue(writer._output.ToString());
    }

    private static string? Indent(RenderContext context, Value? indent)
    {
        switch (indent)
        {
            case null or NoneValue:
                return null;
            case StringValue text:
                return text.Text;
            default:
                int width = Math.Max(Parameters.Int(indent, "tojson: indent"), 0);
                context.ChargeText(width);
                return new string(' ', width);
        }
    }

    private static (string Item, string Key) Separators(RenderContext context, Value? separators, bool indented)
    {
        if (separators is null or NoneValue)
        {
            return (indented ? "," : ", ", ": ");
        }

        IReadOnlyList<Value> pair = Sequences.ToList(context, separators);
        return pair.Count == 2
            ? (Parameters.Text(pair[0], "tojson: the item separator"), Parameters.Text(pair[1], "tojson: the key separator"))
            : throw TemplateFault.Value("tojson: separators must be a pair");
    }

    private void Write(Value value, int depth)
    {
        _context.Charge(1);
        if (depth > MaxDepth)
        {
            throw TemplateFault.Limit($"tojson: the value nests deeper than {MaxDepth} levels");
        }

        switch (value)
        {
            case StringValue text:
                WriteText(text.Text);
                break;
            case DictValue dict:
                WriteDict(dict, depth);
                break;
            case SequenceValue sequence:
                WriteList(sequence, depth);
                break;
            default:
                _output.Append(Scalar(value) ?? throw TemplateFault.Type($"Object of type {value.TypeName} is not JSON serializable"));
                break;
        }
    }

    private static string? Scalar(Value value) => value switch
    {
        NoneValue => "null",
        BoolValue flag => flag.Value ? "true" : "false",
        IntValue number => Numbers.ToText(number.Value),
        FloatValue { Value: double.NaN } => "NaN",
        FloatValue { Value: double.PositiveInfinity } => "Infinity",
        FloatValue { Value: double.NegativeInfinity } => "-Infinity",
        FloatValue number => FloatText.Repr(number.Value),
        _ => null,
    };

    private void WriteList(SequenceValue sequence, int depth)
    {
        _output.Append('[');
        for (int i = 0; i < sequence.Length; i++)
        {
            StartItem(i == 0, depth);
            Write(sequence.Items[i], depth + 1);
        }

        EndItems(sequence.Length, depth);
        _output.Append(']');
    }

    private void WriteDict(DictValue dict, int depth)
    {
        _output.Append('{');
        bool first = true;
        IEnumerable<KeyValuePair<Value, Value>> entries = dict.Entries;
        if (_sortKeys)
        {
            KeyValuePair<Value, Value>[] sorted = [.. entries];
            Sequences.Sort(_context, sorted, (a, b) => Comparisons.Order(_context, a.Key, b.Key));
            entries = sorted;
        }

        foreach ((Value key, Value value) in entries)
        {
            StartItem(first, depth);
            WriteText(key.AsText() ?? Scalar(key)
                ?? throw TemplateFault.Type($"keys must be str, int, float, bool or None, not {key.TypeName}"));
            _context.Append(_output, _keySeparator);
            Write(value, depth + 1);
            first = false;
        }

        EndItems(dict.Length, depth);
        _output.Append('}');
    }

    private void StartItem(bool isFirst, int depth)
    {
        _context.Append(_output, isFirst ? "" : _itemSeparator);
        NewLine(depth + 1);
    }

    private void EndItems(int count, int depth)
    {
        if (count > 0)
        {
            NewLine(depth);
        }
    }

    private void NewLine(int depth)
    {
        if (_indent is null)
        {
            return;
        }

        long size = _output.Length + ((long)_indent.Length * depth);
        _context.ChargeText(size > _context.Limits.MaxOutputLength ? size : (long)_indent.Length * depth);
        _output.Append('\n');
        for (int i = 0; i < depth; i++)
        {
            _output.Append(_indent);
        }
    }

    private void WriteText(string text)
    {
        long size = (long)_output.Length + text.Length;
        _context.ChargeText(size > _context.Limits.MaxOutputLength ? size : text.Length);
        _output.Append('"');
        foreach (char c in text)
        {
            _ = c switch
            {
                '"' => _output.Append("\\\""),
                '\\' => _output.Append("\\\\"),
                '\n' => _output.Append("\\n"),
                '\r' => _output.Append("\\r"),
                '\t' => _output.Append("\\t"),
                '\b' => _output.Append("\\b"),
                '\f' => _output.Append("\\f"),
                < ' ' => AppendEscape(c),
                > '~' when _ensureAscii => AppendEscape(c),
                _ => _output.Append(c),
            };
        }

        _output.Append('"');
    }

    private StringBuilder AppendEscape(char c) => _output.Append("\\u").Append(((int)c).ToString("x4", CultureInfo.InvariantCulture));
}
