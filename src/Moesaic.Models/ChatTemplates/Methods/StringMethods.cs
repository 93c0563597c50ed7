using System.Text;
using Moesaic.Models.ChatTemplates.Filters;
using Moesaic.Models.ChatTemplates.Runtime;
using Moesaic.Models.ChatTemplates.Values;
using Value = Moesaic.Models.ChatTemplates.ChatTemplateValue;

namespace Moesaic.Models.ChatTemplates.Methods;

internal delegate Value StringMethod(RenderContext context, StringValue self, CallArguments arguments);

/// <summary>The methods of str.</summary>
internal static class StringMethods
{
    internal enum Side
    {
        Left,
        Right,
        Both,
    }

    public static Dictionary<string, StringMethod> All { get; } = new()
    {
        ["upper"] = static (c, s, a) => Map(c, s, a, "upper", Casing.Upper),
        ["lower"] = static (c, s, a) => Map(c, s, a, "lower", Casing.Lower),
        ["title"] = static (c, s, a) => Map(c, s, a, "title", Casing.Title),
        ["capitalize"] = static (c, s, a) => Map(c, s, a, "capitalize", Casing.Capitalize),
        ["swapcase"] = static (c, s, a) => Map(c, s, a, "swapcase", Casing.SwapCase),
        ["casefold"] = static (c, s, a) => Map(c, s, a, "casefold", Casing.Fold),
        ["strip"] = static (c, s, a) => Strip(c, s, a, "strip", true, true),
        ["lstrip"] = static (c, s, a) => Strip(c, s, a, "lstrip", true, false),
        ["rstrip"] = static (c, s, a) => Strip(c, s, a, "rstrip", false, true),
        ["split"] = static (c, s, a) => Split(c, s, a, "split", StringSearch.Split, StringSearch.SplitSpace),
        ["rsplit"] = static (c, s, a) => Split(c, s, a, "rsplit", StringSearch.SplitRight, StringSearch.SplitSpaceRight),
        ["splitlines"] = SplitLines,
        ["partition"] = static (c, s, a) => Partition(c, s, a, "partition", fromRight: false),
        ["rpartition"] = static (c, s, a) => Partition(c, s, a, "rpartition", fromRight: true),
        ["replace"] = Replace,
        ["removeprefix"] = static (_, s, a) => Text(a, "removeprefix") is { } p && s.Text.StartsWith(p, StringComparison.Ordinal) ? new StringValue(s.Text[p.Length..]) : s,
        ["removesuffix"] = static (_, s, a) => Text(a, "removesuffix") is { Length: > 0 } p && s.Text.EndsWith(p, StringComparison.Ordinal) ? new StringValue(s.Text[..^p.Length]) : s,
        ["join"] = Join,
        ["startswith"] = static (_, s, a) => HasAffix(s, a, "startswith", static (text, affix) => text.StartsWith(affix, StringComparison.Ordinal)),
        ["endswith"] = static (_, s, a) => HasAffix(s, a, "endswith", static (text, affix) => text.EndsWith(affix, StringComparison.Ordinal)),
        ["find"] = static (c, s, a) => new IntValue(Find(c, s, a, "find", fromRight: false)),
        ["rfind"] = static (c, s, a) => new IntValue(Find(c, s, a, "rfind", fromRight: true)),
        ["index"] = static (c, s, a) => Index(c, s, a, "index", fromRight: false),
        ["rindex"] = static (c, s, a) => Index(c, s, a, "rindex", fromRight: true),
        ["count"] = Count,
        ["ljust"] = static (c, s, a) => Justify(c, s, a, "ljust", Side.Right),
        ["rjust"] = static (c, s, a) => Justify(c, s, a, "rjust", Side.Left),
        ["center"] = static (c, s, a) => Justify(c, s, a, "center", Side.Both),
        ["zfill"] = ZeroFill,
        ["expandtabs"] = ExpandTabs,
        ["format"] = static (c, s, a) => BraceFormat.Apply(c, s, a),
        ["format_map"] = FormatMap,
        ["isalpha"] = static (c, s, a) => Is(c, s, a, "isalpha", CharacterClasses.IsAlpha),
        ["isdigit"] = static (c, s, a) => Is(c, s, a, "isdigit", CharacterClasses.IsDigit),
        ["isdecimal"] = static (c, s, a) => Is(c, s, a, "isdecimal", CharacterClasses.IsDecimal),
        ["isnumeric"] = static (c, s, a) => Is(c, s, a, "isnumeric", CharacterClasses.IsNumeric),
        ["isalnum"] = static (c, s, a) => Is(c, s, a, "isalnum", CharacterClasses.IsAlphanumeric),
        ["isspace"] = static (c, s, a) => Is(c, s, a, "isspace", static x => x <= 0xFFFF && CodePoints.IsSpace((char)x)),
        ["isprintable"] = static (c, s, a) => BoolValue.Of(s.Text.Length == 0 || Is(c, s, a, "isprintable", CodePoints.IsPrintable).Value),
        ["isascii"] = static (c, s, a) => BoolValue.Of(s.Text.Length == 0 || Is(c, s, a, "isascii", static x => x < 128).Value),
        ["islower"] = static (c, s, a) => IsText(c, s, a, "islower", CharacterClasses.IsLower),
        ["isupper"] = static (c, s, a) => IsText(c, s, a, "isupper", CharacterClasses.IsUpper),
        ["istitle"] = static (c, s, a) => IsText(c, s, a, "istitle", CharacterClasses.IsTitle),
        ["isidentifier"] = static (c, s, a) => IsText(c, s, a, "isidentifier", CharacterClasses.IsIdentifier),
    };

    /// <summary>The range that optional start and stop arguments select of a length, as slices clamp them.</summary>
    public static (int Start, int Stop) Range(int length, Value? start, Value? stop)
    {
        return (Clamp(start, 0), Clamp(stop, length));

        int Clamp(Value? value, int whenAbsent)
        {
            if (value is null or NoneValue)
            {
                return whenAbsent;
            }

            long index = Parameters.Int(value, "an index");
            return (int)Math.Clamp(index < 0 ? index + length : index, 0, length);
        }
    }

    /// <summary>Pads to a width in code points.</summary>
    public static string Justify(RenderContext context, StringValue text, int width, string fill, Side side)
    {
        int padding = width - text.Length;
        if (padding <= 0)
        {
            return text.Text;
        }

        context.ChargeText((long)padding * fill.Length);

        // Python's center puts the odd one to the left only when the width is odd too.
        int left = side switch { Side.Left => padding, Side.Right => 0, _ => (padding / 2) + (padding & width & 1) };
        StringBuilder output = new(text.Text.Length + (padding * fill.Length));
        return output.Insert(0, fill, left).Append(text.Text).Insert(output.Length, fill, padding - left).ToString();
    }

    private static StringValue Map(RenderContext context, StringValue self, CallArguments arguments, string name, Func<string, string> map)
    {
        arguments.Bind(name, 0);
        context.ChargeText(self.Text.Length);
        return new StringValue(map(self.Text), self.IsMarkup);
    }

    private static string Text(CallArguments arguments, string name) =>
        Parameters.Text(arguments.Bind(name, 1, "/text")[0]!, $"{name}: the argument");

    private static StringValue Strip(RenderContext context, StringValue self, CallArguments arguments, string name, bool left, bool right)
    {
        Value? characters = arguments.Bind(name, 0, "/chars")[0];
        context.ChargeText(self.Text.Length);
        string? set = characters is null or NoneValue ? null : Parameters.Text(characters, $"{name}: the argument");
        return new StringValue(Stripping.Strip(self.Text, set, left, right), self.IsMarkup);
    }

    private static ListValue Split(
        RenderContext context,
        StringValue self,
        CallArguments arguments,
        string name,
        Func<string, string, int, List<string>> atSeparator,
        Func<string, int, List<string>> atSpace)
    {
        Value?[] bound = arguments.Bind(name, 0, "sep", "maxsplit");
        int limit = Parameters.Int(bound[1], $"{name}: maxsplit", -1);
        context.Charge(self.Text.Length / 4);
        if (bound[0] is null or NoneValue)
        {
            return List(context, atSpace(self.Text, limit));
        }

        string separator = Parameters.Text(bound[0]!, $"{name}: the separator");
        return separator.Length == 0
            ? throw TemplateFault.Value("empty separator")
            : List(context, atSeparator(self.Text, separator, limit));
    }

    private static ListValue SplitLines(RenderContext context, StringValue self, CallArguments arguments)
    {
        context.Charge(self.Text.Length / 4);
        return List(context, StringSearch.SplitLines(self.Text, Parameters.Flag(arguments.Bind("splitlines", 0, "keepends")[0])));
    }

    private static ListValue List(RenderContext context, List<string> parts)
    {
        context.ChargeList(parts.Count);
        return new ListValue([.. parts.Select(p => new StringValue(p))]);
    }

    private static TupleValue Partition(RenderContext context, StringValue self, CallArguments arguments, string name, bool fromRight)
    {
        string separator = Text(arguments, name);
        context.ChargeText(self.Text.Length);
        if (separator.Length == 0)
        {
            throw TemplateFault.Value("empty separator");
        }

        int at = fromRight ? self.Text.LastIndexOf(separator, StringComparison.Ordinal) : self.Text.IndexOf(separator, StringComparison.Ordinal);
        string[] parts = at < 0
            ? (fromRight ? ["", "", self.Text] : [self.Text, "", ""])
            : [self.Text[..at], separator, self.Text[(at + separator.Length)..]];
        return new TupleValue([.. parts.Select(p => new StringValue(p))]);
    }

    private static StringValue Replace(RenderContext context, StringValue self, CallArguments arguments)
    {
        Value?[] bound = arguments.Bind("replace", 2, "/old", "/new", "count");
        string old = Parameters.Text(bound[0]!, "replace: the first argument");
        string replacement = Parameters.Text(bound[1]!, "replace: the second argument");
        return new StringValue(
            StringSearch.Replace(context, self.Text, old, replacement, Parameters.Int(bound[2], "replace: count", -1)), self.IsMarkup);
    }

    private static StringValue Join(RenderContext context, StringValue self, CallArguments arguments)
    {
        StringBuilder text = new();
        int index = 0;
        foreach (Value item in Sequences.Each(context, arguments.Bind("join", 1, "/iterable")[0]!))
        {
            if (item is not StringValue part)
            {
                throw TemplateFault.Type($"sequence item {index}: expected str instance, {item.TypeName} found");
            }

            context.Append(text, index == 0 ? "" : self.Text);
            context.Append(text, part.Text);
            index++;
        }

        return new StringValue(text.ToString());
    }

    private static BoolValue HasAffix(StringValue self, CallArguments arguments, string name, Func<string, string, bool> matches)
    {
        Value?[] bound = arguments.Bind(name, 1, "/affix", "/start", "/end");
        (int start, int end) = Range(self.Length, bound[1], bound[2]);
        bool beyond = bound[1] is not (null or NoneValue) && Parameters.Int(bound[1]!, "start") > self.Length;
        string text = bound[1] is null && bound[2] is null ? self.Text : self.Slice(start, end);
        IEnumerable<Value> affixes = bound[0] is TupleValue tuple ? tuple.Items : [bound[0]!];
        foreach (Value affix in affixes)
        {
            if (affix is UndefinedValue undefined)
            {
                throw undefined.Fault();
            }

            if (affix is not StringValue candidate)
            {
                throw TemplateFault.Type(bound[0] is TupleValue
                    ? $"tuple for {name} must only contain str, not {affix.TypeName}"
                    : $"{name} first arg must be str or a tuple of str, not {affix.TypeName}");
            }

            if (!beyond && start <= end && matches(text, candidate.Text))
            {
                return BoolValue.True;
            }
        }

        return BoolValue.False;
    }

    private static int Find(RenderContext context, StringValue self, CallArguments arguments, string name, bool fromRight)
    {
        Value?[] bound = arguments.Bind(name, 1, "/sub", "/start", "/end");
        string part = Parameters.Text(bound[0]!, $"{name}: the argument");
        context.ChargeText(self.Text.Length);
        (int start, int end) = Range(self.Length, bound[1], bound[2]);
        if (start > end || (bound[1] is not (null or NoneValue) && Parameters.Int(bound[1]!, "start") > self.Length))
        {
            return -1;
        }

        string text = self.Slice(start, end);
        int at = fromRight ? text.AsSpan().LastIndexOf(part, StringComparison.Ordinal) : text.IndexOf(part, StringComparison.Ordinal);
        return at < 0 ? -1 : self.IndexOfOffset(self.OffsetOf(start) + at);
    }

    private static IntValue Index(RenderContext context, StringValue self, CallArguments arguments, string name, bool fromRight)
    {
        int at = Find(context, self, arguments, name, fromRight);
        return at >= 0 ? new IntValue(at) : throw TemplateFault.Value("substring not found");
    }

    private static IntValue Count(RenderContext context, StringValue self, CallArguments arguments)
    {
        Value?[] bound = arguments.Bind("count", 1, "/sub", "/start", "/end");
        string part = Parameters.Text(bound[0]!, "count: the argument");
        context.ChargeText(self.Text.Length);
        (int start, int end) = Range(self.Length, bound[1], bound[2]);
        bool beyond = bound[1] is not (null or NoneValue) && Parameters.Int(bound[1]!, "start") > self.Length;
        string text = self.Slice(start, end);
        return new IntValue(part.Length == 0 ? (start > end || beyond ? 0 : end - start + 1) : StringSearch.Count(text, part));
    }

    private static StringValue Justify(RenderContext context, StringValue self, CallArguments arguments, string name, Side side)
    {
        Value?[] bound = arguments.Bind(name, 1, "/width", "/fillchar");
        string fill = bound[1] is null ? " " : Parameters.Text(bound[1]!, $"{name}: the fill character");
        return CodePoints.Count(fill) != 1
            ? throw TemplateFault.Type("The fill character must be exactly one character long")
            : new StringValue(Justify(context, self, Parameters.Int(bound[0]!, $"{name}: the width"), fill, side), self.IsMarkup);
    }

    private static StringValue ZeroFill(RenderContext context, StringValue self, CallArguments arguments)
    {
        int padding = Parameters.Int(arguments.Bind("zfill", 1, "/width")[0]!, "zfill: the width") - self.Length;
        if (padding <= 0)
        {
            return self;
        }

        context.ChargeText(padding);
        int sign = self.Text.Length > 0 && (self.Text[0] is '+' or '-') ? 1 : 0;
        return new StringValue(self.Text[..sign] + new string('0', padding) + self.Text[sign..]);
    }

    private static StringValue ExpandTabs(RenderContext context, StringValue self, CallArguments arguments)
    {
        int size = Parameters.Int(arguments.Bind("expandtabs", 0, "tabsize")[0], "expandtabs: the size", 8);
        context.ChargeText(self.Text.Length + ((long)self.Text.AsSpan().Count('\t') * Math.Max(size, 0)));
        StringBuilder text = new();
        int column = 0;
        for (int offset = 0; offset < self.Text.Length; offset += CodePoints.LengthAt(self.Text, offset))
        {
            if (self.Text[offset] == '\t')
            {
                int spaces = size > 0 ? size - (column % size) : 0;
                text.Append(' ', spaces);
                column += spaces;
                continue;
            }

            text.Append(self.Text, offset, CodePoints.LengthAt(self.Text, offset));
            column = self.Text[offset] is '\n' or '\r' ? 0 : column + 1;
        }

        return new StringValue(text.ToString());
    }

    private static StringValue FormatMap(RenderContext context, StringValue self, CallArguments arguments)
    {
        if (arguments.Bind("format_map", 1, "/mapping")[0] is not DictValue dict)
        {
            throw TemplateFault.Type("format_map() takes a mapping");
        }

        Dictionary<string, Value> values = [];
        foreach ((Value key, Value value) in dict.Entries)
        {
            if (key is StringValue name)
            {
                values[name.Text] = value;
            }
        }

        return BraceFormat.Apply(context, self, new CallArguments([], values));
    }

    private static BoolValue Is(RenderContext context, StringValue self, CallArguments arguments, string name, Func<int, bool> test)
    {
        arguments.Bind(name, 0);
        context.ChargeText(self.Text.Length);
        return BoolValue.Of(self.Text.Length > 0 && CodePoints.Each(self.Text).All(test));
    }

    private static BoolValue IsText(RenderContext context, StringValue self, CallArguments arguments, string name, Func<string, bool> test)
    {
        arguments.Bind(name, 0);
        context.ChargeText(self.Text.Length);
        return BoolValue.Of(test(self.Text));
    }
}
