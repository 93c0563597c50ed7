using System.Numerics;
using Moesaic.Models.ChatTemplates.Methods;
using Moesaic.Models.ChatTemplates.Runtime;
using Moesaic.Models.ChatTemplates.Values;
using Value = Moesaic.Models.ChatTemplates.ChatTemplateValue;

namespace Moesaic.Models.ChatTemplates.Filters;

/// <summary>The tests behind "is".</summary>
internal static class TestTable
{
    private delegate bool Test(RenderContext context, Value value, Value? argument);

    private static readonly Dictionary<string, Test> WithoutArgument = new()
    {
        ["defined"] = static (_, v, _) => v is not UndefinedValue,
        ["undefined"] = static (_, v, _) => v is UndefinedValue,
        ["none"] = static (_, v, _) => v is NoneValue,
        ["boolean"] = static (_, v, _) => v is BoolValue,
        ["true"] = static (_, v, _) => v is BoolValue { Value: true },
        ["false"] = static (_, v, _) => v is BoolValue { Value: false },
        ["integer"] = static (_, v, _) => v is IntValue,
        ["float"] = static (_, v, _) => v is FloatValue,
        ["number"] = static (_, v, _) => Numbers.IsNumber(v),
        ["string"] = static (_, v, _) => v is StringValue,
        ["mapping"] = static (_, v, _) => v is DictValue,
        ["iterable"] = static (_, v, _) => v is not LoopValue && v.TryIterate() is not null,
        ["sequence"] = static (_, v, _) => v is StringValue or SequenceValue or DictValue or RangeValue or UndefinedValue,
        ["callable"] = static (_, v, _) => v is CallableValue or UndefinedValue,
        ["escaped"] = static (_, v, _) => v is StringValue { IsMarkup: true },
        ["odd"] = static (c, v, _) => Remainder(c, v, 2) is { } r && !r.IsZero,
        ["even"] = static (c, v, _) => Remainder(c, v, 2) is { IsZero: true },
        ["lower"] = static (c, v, _) => CharacterClasses.IsLower(PythonText.Str(c, v)),
        ["upper"] = static (c, v, _) => CharacterClasses.IsUpper(PythonText.Str(c, v)),
        ["filter"] = static (c, v, _) => FilterTable.Exists(Text(v)),
        ["test"] = static (c, v, _) => Exists(Text(v)),
    };

    private static readonly Dictionary<string, Test> WithArgument = new()
    {
        ["=="] = static (c, v, a) => Comparisons.AreEqual(c, v, a!),
        ["!="] = static (c, v, a) => !Comparisons.AreEqual(c, v, a!),
        ["<"] = static (c, v, a) => Ordered(c, "<", v, a!),
        ["<="] = static (c, v, a) => Ordered(c, "<=", v, a!),
        [">"] = static (c, v, a) => Ordered(c, ">", v, a!),
        [">="] = static (c, v, a) => Ordered(c, ">=", v, a!),
        ["in"] = static (c, v, a) => Comparisons.Contains(c, a!, v),
        ["sameas"] = static (_, v, a) => IsSame(v, a!),
        ["divisibleby"] = static (c, v, a) => Arithmetic.Apply(c, "%", v, a!) is { } r && Numbers.IsNumber(r) && !r.IsTrue,
    };

    private static readonly Dictionary<string, string> Aliases = new()
    {
        ["eq"] = "==",
        ["equalto"] = "==",
        ["ne"] = "!=",
        ["lt"] = "<",
        ["lessthan"] = "<",
        ["le"] = "<=",
        ["gt"] = ">",
        ["greaterthan"] = ">",
        ["ge"] = ">=",
    };

    public static bool Exists(string name) =>
        WithoutArgument.ContainsKey(name) || WithArgument.ContainsKey(name) || Aliases.ContainsKey(name);

    public static bool Apply(RenderContext context, string name, Value value, CallArguments arguments)
    {
        name = Aliases.GetValueOrDefault(name, name);
        if (WithoutArgument.TryGetValue(name, out Test? test))
        {
            arguments.Bind(name, 0);
            return test(context, value, null);
        }

        if (WithArgument.TryGetValue(name, out test))
        {
            return test(context, value, arguments.Bind(name, 1, name switch { "in" => "seq", "divisibleby" => "num", _ => "other" })[0]!);
        }

        throw TemplateFault.Runtime("TemplateAssertionError", $"No test named '{name}'.");
    }

    /// <summary>One of the four order comparisons; false when either side is NaN.</summary>
    public static bool Ordered(RenderContext context, string symbol, Value left, Value right) =>
        Comparisons.Compare(context, left, right, symbol) is int order && symbol switch
        {
            "<" => order < 0,
            "<=" => order <= 0,
            ">" => order > 0,
            _ => order >= 0,
        };

    private static bool IsSame(Value a, Value b) => (a, b) switch
    {
        // Small integers and equal literals are one object in Python; values stand in for identity here.
        (IntValue x, IntValue y) => x.Value == y.Value,
        (StringValue x, StringValue y) => x.Text == y.Text,
        _ => ReferenceEquals(a, b),
    };

    private static string Text(Value value) => value.AsText() ?? throw TemplateFault.Type("the name to test for must be a string");

    private static BigInteger? Remainder(RenderContext context, Value value, int divisor)
    {
        Value rest = Arithmetic.Apply(context, "%", value, new IntValue(divisor));
        return rest switch
        {
            FloatValue f => f.Value == 1 ? BigInteger.One : f.Value == 0 ? BigInteger.Zero : null,
            _ => Numbers.TryInteger(rest, out BigInteger integer) ? integer : null,
        };
    }
}
