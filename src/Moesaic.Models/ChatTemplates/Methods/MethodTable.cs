using Moesaic.Models.ChatTemplates.Runtime;
using Moesaic.Models.ChatTemplates.Values;
using Value = Moesaic.Models.ChatTemplates.ChatTemplateValue;

namespace Moesaic.Models.ChatTemplates.Methods;

/// <summary>Methods of Python's types that templates may call, and those the sandbox hides.</summary>
internal static class MethodTable
{
    private static readonly HashSet<string> ForbiddenOnDict = ["clear", "pop", "popitem", "setdefault", "update"];

    private static readonly HashSet<string> ForbiddenOnList =
        ["append", "clear", "pop", "reverse", "insert", "sort", "extend", "remove"];

    // Methods of str that exist in Python and would hide an item of the same name, but make no text.
    private static readonly HashSet<string> RefusedOnText = ["encode", "translate", "maketrans"];

    /// <summary>A bound method; a forbidden one is an undefined value that fails when used; null when there is none.</summary>
    public static Value? Find(Value target, string name)
    {
        switch (target)
        {
            case StringValue text when StringMethods.All.TryGetValue(name, out StringMethod? method):
                return Bound(name, (context, arguments) => method(context, text, arguments));
            case StringValue when RefusedOnText.Contains(name):
                return Bound(name, (_, _) => throw TemplateFault.Unsupported($"the method str.{name}"));
            case DictValue when ForbiddenOnDict.Contains(name):
            case ListValue when ForbiddenOnList.Contains(name):
                return UndefinedValue.Forbidden(target, name);
            case DictValue dict:
                return FindOnDict(dict, name);
            case SequenceValue sequence:
                return FindOnSequence(sequence, name);
            case FloatValue number when name == "is_integer":
                return Bound(name, (_, _) => BoolValue.Of(Math.Floor(number.Value) == number.Value && double.IsFinite(number.Value)));
            case IntValue number when name == "bit_length":
                return Bound(name, (_, _) => new IntValue((long)System.Numerics.BigInteger.Abs(number.Value).GetBitLength()));
            default:
                return null;
        }
    }

    private static FunctionValue? FindOnDict(DictValue dict, string name) => name switch
    {
        "get" => Bound(name, (_, arguments) =>
        {
            Value?[] bound = arguments.Bind(name, 1, "/key", "/default");
            return dict.TryGet(bound[0]!, out Value? value) ? value : bound[1] ?? NoneValue.Instance;
        }),
        "keys" => Bound(name, (_, arguments) => View(dict, DictViewKind.Keys, arguments)),
        "values" => Bound(name, (_, arguments) => View(dict, DictViewKind.Values, arguments)),
        "items" => Bound(name, (_, arguments) => View(dict, DictViewKind.Items, arguments)),
        "copy" => Bound(name, (_, _) => dict),
        "fromkeys" => Bound(name, (_, _) => throw TemplateFault.Unsupported("the method dict.fromkeys")),
        _ => null,
    };

    private static DictViewValue View(DictValue dict, DictViewKind kind, CallArguments arguments)
    {
        arguments.Bind(kind.ToString().ToLowerInvariant(), 0);
        return new DictViewValue(dict, kind);
    }

    private static FunctionValue? FindOnSequence(SequenceValue sequence, string name) => name switch
    {
        "index" => Bound(name, (context, arguments) => IndexOf(context, sequence, arguments)),
        "count" => Bound(name, (context, arguments) =>
        {
            Value item = arguments.Bind(name, 1, "/value")[0]!;
            return new IntValue(sequence.Items.Count(i => Comparisons.AreEqual(context, i, item)));
        }),
        "copy" when sequence is ListValue => Bound(name, (_, _) => sequence),
        _ => null,
    };

    private static IntValue IndexOf(RenderContext context, SequenceValue sequence, CallArguments arguments)
    {
        Value?[] bound = arguments.Bind("index", 1, "/value", "/start", "/stop");
        (int start, int stop) = StringMethods.Range(sequence.Length, bound[1], bound[2]);
        for (int i = start; i < stop; i++)
        {
            if (Comparisons.AreEqual(context, sequence.Items[i], bound[0]!))
            {
                return new IntValue(i);
            }
        }

        throw TemplateFault.Value($"{PythonText.Repr(context, bound[0]!)} is not in {sequence.TypeName}");
    }

    private static FunctionValue Bound(string name, Func<RenderContext, CallArguments, Value> body) =>
        new(name, body, "builtin_function_or_method");
}
