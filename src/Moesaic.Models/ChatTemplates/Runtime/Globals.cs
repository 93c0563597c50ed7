using System.Numerics;
using Moesaic.Models.ChatTemplates.Values;
using Value = Moesaic.Models.ChatTemplates.ChatTemplateValue;

namespace Moesaic.Models.ChatTemplates.Runtime;

/// <summary>Functions every template can call.</summary>
internal static class Globals
{
    public static IReadOnlyDictionary<string, Value> All { get; } = new Value[]
    {
        new FunctionValue("range", Range),
        new FunctionValue("dict", Dict),
        new FunctionValue("namespace", Namespace),
        new FunctionValue("cycler", Cycler),
        new FunctionValue("joiner", static (_, arguments) => new JoinerValue(arguments.Bind("joiner", 0, "sep")[0] ?? new StringValue(", "))),
        new FunctionValue("lipsum", static (_, _) => throw TemplateFault.Unsupported("the function 'lipsum'")),
        new FunctionValue("raise_exception", RaiseException),
        new FunctionValue("strftime_now", StrftimeNow),
    }.ToDictionary(f => ((FunctionValue)f).Name);

    private static RangeValue Range(RenderContext context, CallArguments arguments)
    {
        Value?[] bound = arguments.Bind("range", 1, "/start", "/stop", "/step");
        BigInteger[] parts = [.. bound.Where(b => b is not null).Select(ToIndex)];
        BigInteger start = parts.Length == 1 ? 0 : parts[0];
        BigInteger stop = parts.Length == 1 ? parts[0] : parts[1];
        BigInteger step = parts.Length == 3 ? parts[2] : 1;
        if (step.IsZero)
        {
            throw TemplateFault.Value("range() arg 3 must not be zero");
        }

        BigInteger distance = step.Sign > 0 ? stop - start : start - stop;
        BigInteger length = distance.Sign <= 0 ? 0 : ((distance - 1) / BigInteger.Abs(step)) + 1;
        if (length > context.Limits.MaxRangeLength)
        {
            throw TemplateFault.Limit(
                $"Range too big. The sandbox blocks ranges larger than {context.Limits.MaxRangeLength} items.");
        }

        BigInteger bound64 = BigInteger.One << 40;
        if (BigInteger.Abs(start) > bound64 || BigInteger.Abs(stop) > bound64 || BigInteger.Abs(step) > bound64)
        {
            throw TemplateFault.Limit("the bounds of a range exceed 2**40");
        }

        return new RangeValue((long)start, (long)stop, (long)step, (int)length);
    }

    private static BigInteger ToIndex(Value? value) => value switch
    {
        UndefinedValue undefined => throw undefined.Fault(),
        not null when Numbers.TryInteger(value, out BigInteger integer) => integer,
        _ => throw TemplateFault.Type($"'{value!.TypeName}' object cannot be interpreted as an integer"),
    };

    private static DictValue Dict(RenderContext context, CallArguments arguments)
    {
        DictValue dict = new();
        if (arguments.Positional.Count > 1)
        {
            throw TemplateFault.Type($"dict expected at most 1 argument, got {arguments.Positional.Count}");
        }

        if (arguments.Positional.Count == 1)
        {
            Fill(context, dict, arguments.Positional[0]);
        }

        foreach ((string name, Value value) in arguments.Keyword)
        {
            dict.Set(new StringValue(name), value);
        }

        return dict;
    }

    private static void Fill(RenderContext context, DictValue dict, Value source)
    {
        if (source is DictValue other)
        {
            foreach ((Value key, Value value) in other.Entries)
            {
                context.Charge(1);
                dict.Set(key, value);
            }

            return;
        }

        foreach (Value pair in Sequences.Each(context, source))
        {
            IReadOnlyList<Value> items = Sequences.ToList(context, pair);
            if (items.Count != 2)
            {
                throw TemplateFault.Value($"dictionary update sequence element has length {items.Count}; 2 is required");
            }

            dict.Set(items[0], items[1]);
        }
    }

    private static NamespaceValue Namespace(RenderContext context, CallArguments arguments)
    {
        NamespaceValue space = new();
        foreach ((Value key, Value value) in Dict(context, arguments).Entries)
        {
            space.Attributes[PythonText.Str(context, key)] = value;
        }

        return space;
    }

    private static CyclerValue Cycler(RenderContext context, CallArguments arguments)
    {
        if (arguments.Keyword.Count > 0)
        {
            throw TemplateFault.Type("cycler() takes no keyword arguments");
        }

        return arguments.Positional.Count == 0
            ? throw TemplateFault.Runtime("RuntimeError", "at least one item has to be provided")
            : new CyclerValue(arguments.Positional);
    }

    private static Value RaiseException(RenderContext context, CallArguments arguments)
    {
        Value message = arguments.Bind("raise_exception", 1, "message")[0]!;
        throw new TemplateFault(ChatTemplateErrorKind.Raised, "TemplateError", PythonText.Str(context, message));
    }

    private static StringValue StrftimeNow(RenderContext context, CallArguments arguments) =>
        arguments.Bind("strftime_now", 1, "format")[0] is StringValue format
            ? new StringValue(Strftime.Format(context.Now, format.Text))
            : throw TemplateFault.Type("strftime() argument 1 must be str");
}
