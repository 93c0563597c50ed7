using System.Text;
using Moesaic.Models.ChatTemplates.Methods;
using Moesaic.Models.ChatTemplates.Runtime;
using Moesaic.Models.ChatTemplates.Values;
using Value = Moesaic.Models.ChatTemplates.ChatTemplateValue;

namespace Moesaic.Models.ChatTemplates.Filters;

/// <summary>Filters that turn text into text.</summary>
internal static class TextFilters
{
    public static Dictionary<string, Filter> All { get; } = new()
    {
        ["upper"] = static (c, a) => Map(c, a, "upper", Casing.Upper),
        ["lower"] = static (c, a) => Map(c, a, "lower", Casing.Lower),
        ["capitalize"] = static (c, a) => Map(c, a, "capitalize", Casing.Capitalize),
        ["title"] = static (c, a) => Map(c, a, "title", Title),
        ["trim"] = Trim,
        ["replace"] = Replace,
        ["indent"] = Indent,
        ["center"] = Center,
        ["truncate"] = Truncate,
        ["wordcount"] = WordCount,
        ["striptags"] = StripTags,
        ["string"] = static (c, a) => Parameters.Soft(c, a.Bind("string", 1, "s")[0]!),
        ["escape"] = Escape,
        ["e"] = Escape,
        ["forceescape"] = static (c, a) => new StringValue(Markup.Escape(PythonText.Str(c, a.Bind("forceescape", 1, "value")[0]!)), true),
        ["safe"] = static (c, a) => new StringValue(PythonText.Str(c, a.Bind("safe", 1, "value")[0]!), true),
        ["format"] = Format,
    };

    private static StringValue Map(RenderContext context, CallArguments arguments, string name, Func<string, string> map)
    {
        StringValue text = Parameters.Soft(context, arguments.Bind(name, 1, "s")[0]!);
        return new StringValue(map(text.Text), text.IsMarkup);
    }

    /// <summary>Jinja2's title: words start after white space, hyphens and opening brackets; apostrophes do not split.</summary>
    private static string Title(string text)
    {
        StringBuilder title = new(text.Length);
        int start = 0;
        while (start < text.Length)
        {
            int end = start;
            bool separator = IsWordSeparator(text[start]);
            while (end < text.Length && IsWordSeparator(text[end]) == separator)
            {
                end++;
            }

            int first = CodePoints.LengthAt(text, start);
            title.Append(Casing.Upper(text.Substring(start, first))).Append(Casing.Lower(text[(start + first)..end]));
            start = end;
        }

        return title.ToString();
    }

    private static bool IsWordSeparator(char c) => c is '-' or '(' or '{' or '[' or '<' || CodePoints.IsSpace(c);

    private static StringValue Trim(RenderContext context, CallArguments arguments)
    {
        Value?[] bound = arguments.Bind("trim", 1, "value", "chars");
        StringValue text = Parameters.Soft(context, bound[0]!);
        string? characters = bound[1] is null or NoneValue ? null : Parameters.Text(bound[1]!, "trim: chars");
        return new StringValue(Stripping.Strip(text.Text, characters, true, true), text.IsMarkup);
    }

    private static StringValue Replace(RenderContext context, CallArguments arguments)
    {
        Value?[] bound = arguments.Bind("replace", 3, "s", "old", "new", "count");
        int count = bound[3] is null or NoneValue ? -1 : Parameters.Int(bound[3]!, "replace: count");
        string text = PythonText.Str(context, bound[0]!);
        return new StringValue(
            StringSearch.Replace(context, text, PythonText.Str(context, bound[1]!), PythonText.Str(context, bound[2]!), count));
    }

    private static StringValue Indent(RenderContext context, CallArguments arguments)
    {
        Value?[] bound = arguments.Bind("indent", 1, "s", "width", "first", "blank");
        if (bound[0] is not StringValue source)
        {
            throw TemplateFault.Type($"indent: the value must be str, not {bound[0]!.TypeName}");
        }

        string margin = bound[1] is StringValue given ? given.Text : Padding(context, Parameters.Int(bound[1], "indent: width", 4));
        List<string> lines = StringSearch.SplitLines(source.Text + "\n", keepEnds: false);
        context.ChargeText(source.Text.Length + ((long)lines.Count * margin.Length));
        bool blank = Parameters.Flag(bound[3]);
        StringBuilder text = new();
        text.Append(Parameters.Flag(bound[2]) ? margin : "").Append(lines[0]);
        foreach (string line in lines.Skip(1))
        {
            text.Append('\n').Append(blank || line.Length > 0 ? margin : "").Append(line);
        }

        return new StringValue(text.ToString(), source.IsMarkup);
    }

    private static string Padding(RenderContext context, int width)
    {
        context.ChargeText(Math.Max(width, 0));
        return new string(' ', Math.Max(width, 0));
    }

    private static StringValue Center(RenderContext context, CallArguments arguments)
    {
        Value?[] bound = arguments.Bind("center", 1, "value", "width");
        StringValue text = Parameters.Soft(context, bound[0]!);
        return new StringValue(
            StringMethods.Justify(context, text, Parameters.Int(bound[1], "center: width", 80), " ", StringMethods.Side.Both), text.IsMarkup);
    }

    private static StringValue Truncate(RenderContext context, CallArguments arguments)
    {
        Value?[] bound = arguments.Bind("truncate", 1, "s", "length", "killwords", "end", "leeway");
        StringValue text = Parameters.Soft(context, bound[0]!);
        int length = Parameters.Int(bound[1], "truncate: length", 255);
        StringValue end = bound[3] is null ? new StringValue("...") : new StringValue(Parameters.Text(bound[3]!, "truncate: end"));
        int leeway = bound[4] is null or NoneValue ? 5 : Parameters.Int(bound[4]!, "truncate: leeway");
        if (length < end.Length || leeway < 0)
        {
            throw TemplateFault.Runtime("AssertionError", length < end.Length
                ? $"expected length >= {end.Length}, got {length}"
                : $"expected leeway >= 0, got {leeway}");
        }

        if (text.Length <= (long)length + leeway)
        {
            return text;
        }

        string kept = text.Slice(0, length - end.Length);
        if (!Parameters.Flag(bound[2]))
        {
            int space = kept.LastIndexOf(' ');
            kept = space < 0 ? kept : kept[..space];
        }

        return new StringValue(kept + end.Text, text.IsMarkup);
    }

    private static IntValue WordCount(RenderContext context, CallArguments arguments)
    {
        string text = Parameters.Soft(context, arguments.Bind("wordcount", 1, "s")[0]!).Text;
        int count = 0;
        bool inWord = false;
        for (int offset = 0; offset < text.Length; offset += CodePoints.LengthAt(text, offset))
        {
            bool isWord = CharacterClasses.IsWord(CodePoints.At(text, offset));
            count += isWord && !inWord ? 1 : 0;
            inWord = isWord;
        }

        return new IntValue(count);
    }

    /// <summary>Tags and comments removed, character references of the five XML entities resolved, white space joined.</summary>
    private static StringValue StripTags(RenderContext context, CallArguments arguments)
    {
        string source = PythonText.Str(context, arguments.Bind("striptags", 1, "value")[0]!);
        StringBuilder text = new(source.Length);
        for (int i = 0; i < source.Length;)
        {
            bool comment = string.CompareOrdinal(source, i, "<!--", 0, 4) == 0;
            int end = source[i] != '<' ? -1
                : comment ? source.IndexOf("-->", i, StringComparison.Ordinal)
                : source.IndexOf('>', i);
            if (end < 0)
            {
                if (source[i] == '<')
                {
                    // No tag closes from here on.
                    text.Append(source, i, source.Length - i);
                    break;
                }

                text.Append(source[i++]);
                continue;
            }

            i = end + (comment ? 3 : 1);
        }

        string joined = string.Join(' ', StringSearch.SplitSpace(text.ToString(), -1));
        return new StringValue(joined
            .Replace("&lt;", "<", StringComparison.Ordinal).Replace("&gt;", ">", StringComparison.Ordinal)
            .Replace("&quot;", "\"", StringComparison.Ordinal).Replace("&#34;", "\"", StringComparison.Ordinal)
            .Replace("&#39;", "'", StringComparison.Ordinal).Replace("&apos;", "'", StringComparison.Ordinal)
            .Replace("&amp;", "&", StringComparison.Ordinal));
    }

    private static StringValue Escape(RenderContext context, CallArguments arguments)
    {
        StringValue text = Parameters.Soft(context, arguments.Bind("escape", 1, "s")[0]!);
        return text.IsMarkup ? text : new StringValue(Markup.Escape(text.Text), true);
    }

    private static StringValue Format(RenderContext context, CallArguments arguments)
    {
        StringValue format = Parameters.Soft(context, arguments.Positional[0]);
        CallArguments values = arguments.Skip(1);
        if (values.Positional.Count > 0 && values.Keyword.Count > 0)
        {
            throw TemplateFault.Argument("can't handle positional and keyword arguments at the same time");
        }

        if (values.Keyword.Count == 0)
        {
            return PercentFormat.Apply(context, format, new TupleValue(values.Positional));
        }

        DictValue dict = new();
        foreach ((string name, Value value) in values.Keyword)
        {
            dict.Set(new StringValue(name), value);
        }

        return PercentFormat.Apply(context, format, dict);
    }
}
