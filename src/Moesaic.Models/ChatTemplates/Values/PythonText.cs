using System.Globalization;
using System.Text;
using Moesaic.Models.ChatTemplates.Runtime;
using Value = Moesaic.Models.ChatTemplates.ChatTemplateValue;

namespace Moesaic.Models.ChatTemplates.Values;

/// <summary>str() and repr() of values as Python prints them.</summary>
internal static class PythonText
{
    private const int MaxDepth = 200;

    public static string Str(RenderContext context, Value value)
    {
        switch (value)
        {
            case StringValue text:
                return text.Text;
            case UndefinedValue:
                return "";
            case IntValue number:
                return Numbers.ToText(number.Value);
            default:
                StringBuilder output = new();
                AppendRepr(context, output, value, 0);
                return output.ToString();
        }
    }

    public static string Repr(RenderContext context, Value value)
    {
        StringBuilder output = new();
        AppendRepr(context, output, value, 0);
        return output.ToString();
    }

    /// <summary>A text in the quotes and escapes of repr().</summary>
    public static string Quote(string text)
    {
        StringBuilder output = new();
        AppendQuoted(output, text);
        return output.ToString();
    }

    private static void AppendRepr(RenderContext context, StringBuilder output, Value value, int depth)
    {
        context.Charge(1);
        if (depth > MaxDepth)
        {
            throw TemplateFault.Limit($"a value nests deeper than {MaxDepth} levels");
        }

        switch (value)
        {
            case NoneValue:
                output.Append("None");
                break;
            case BoolValue flag:
                output.Append(flag.Value ? "True" : "False");
                break;
            case IntValue number:
                output.Append(Numbers.ToText(number.Value));
                break;
            case FloatValue number:
                output.Append(FloatText.Repr(number.Value));
                break;
            case StringValue text:
                context.ChargeText((long)output.Length + text.Text.Length > context.Limits.MaxOutputLength
                    ? (long)output.Length + text.Text.Length
                    : text.Text.Length);
                output.Append(text.IsMarkup ? "Markup(" : "");
                AppendQuoted(output, text.Text);
                output.Append(text.IsMarkup ? ")" : "");
                break;
            case UndefinedValue:
                output.Append("Undefined");
                break;
            case ListValue list:
                AppendItems(context, output, list.Items, "[", "]", depth);
                break;
            case TupleValue tuple:
                AppendItems(context, output, tuple.Items, "(", tuple.Length == 1 ? ",)" : ")", depth);
                break;
            case DictValue dict:
                AppendDict(context, output, dict, depth);
                break;
            case DictViewValue view:
                output.Append(view.TypeName).Append('(');
                AppendItems(context, output, Sequences.ToList(context, view), "[", "]", depth + 1);
                output.Append(')');
                break;
            case RangeValue range:
                output.Append(CultureInfo.InvariantCulture, $"range({range.Start}, {range.Stop}{(range.Step == 1 ? "" : ", " + range.Step.ToString(CultureInfo.InvariantCulture))})");
                break;
            case LoopValue loop:
                output.Append(loop.Describe());
                break;
            case NamespaceValue scope:
                output.Append("<Namespace {");
                bool first = true;
                foreach ((string name, Value attribute) in scope.Attributes)
                {
                    output.Append(first ? "" : ", ").Append(Quote(name)).Append(": ");
                    AppendRepr(context, output, attribute, depth + 1);
                    first = false;
                }

                output.Append("}>");
                break;
            default:
                // Python prints an address here, which no template can rely on.
                throw TemplateFault.Type($"an object of type '{value.TypeName}' has no text"
                    + (value is IteratorValue ? "; use the list or join filter" : ""));
        }

        if (output.Length > context.Limits.MaxOutputLength)
        {
            context.ChargeText(output.Length);
        }
    }

    private static void AppendItems(RenderContext context, StringBuilder output, IReadOnlyList<Value> items, string open, string close, int depth)
    {
        output.Append(open);
        for (int i = 0; i < items.Count; i++)
        {
            output.Append(i == 0 ? "" : ", ");
            AppendRepr(context, output, items[i], depth + 1);
        }

        output.Append(close);
    }

    private static void AppendDict(RenderContext context, StringBuilder output, DictValue dict, int depth)
    {
        output.Append('{');
        bool first = true;
        foreach ((Value key, Value value) in dict.Entries)
        {
            output.Append(first ? "" : ", ");
            AppendRepr(context, output, key, depth + 1);
            output.Append(": ");
            AppendRepr(context, output, value, depth + 1);
            first = false;
        }

        output.Append('}');
    }

    private static void AppendQuoted(StringBuilder output, string text)
    {
        char quote = text.Contains('\'', StringComparison.Ordinal) && !text.Contains('"', StringComparison.Ordinal) ? '"' : '\'';
        output.Append(quote);
        for (int offset = 0; offset < text.Length; offset += CodePoints.LengthAt(text, offset))
        {
            int c = CodePoints.At(text, offset);
            switch (c)
            {
                case '\\':
                    output.Append("\\\\");
                    break;
                case '\n':
                    output.Append("\\n");
                    break;
                case '\r':
                    output.Append("\\r");
                    break;
                case '\t':
                    output.Append("\\t");
                    break;
                default:
                    if (c == quote)
                    {
                        output.Append('\\').Append(quote);
                    }
                    else if (CodePoints.IsPrintable(c))
                    {
                        output.Append(text, offset, CodePoints.LengthAt(text, offset));
                    }
                    else
                    {
                        output.Append(c <= 0xFF ? $"\\x{c:x2}" : c <= 0xFFFF ? $"\\u{c:x4}" : $"\\U{c:x8}");
                    }

                    break;
            }
        }

        output.Append(quote);
    }
}
