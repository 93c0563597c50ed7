using System.Numerics;
using Moesaic.Models.ChatTemplates.Runtime;
using Moesaic.Models.ChatTemplates.Values;
using Value = Moesaic.Models.ChatTemplates.ChatTemplateValue;

namespace Moesaic.Models.ChatTemplates.Filters;

/// <summary>Reads bound arguments as the C# types that filters and methods work with.</summary>
internal static class Parameters
{
    /// <summary>An integer that fits an int, clamped: sizes beyond that meet a limit anyway.</summary>
    public static int Int(Value value, string what)
    {
        if (value is UndefinedValue undefined)
        {
            throw undefined.Fault();
        }

        return Numbers.TryInteger(value, out BigInteger integer)
            ? (int)BigInteger.Min(BigInteger.Max(integer, int.MinValue + 1), int.MaxValue)
            : throw TemplateFault.Type($"{what}: '{value.TypeName}' object cannot be interpreted as an integer");
    }

    public static int Int(Value? value, string what, int whenAbsent) => value is null ? whenAbsent : Int(value, what);

    /// <summary>An optional flag: any value by its truth.</summary>
    public static bool Flag(Value? value) => value?.IsTrue ?? false;

    /// <summary>A str argument; other types are an error.</summary>
    public static string Text(Value value, string what) => value switch
    {
        StringValue text => text.Text,
        UndefinedValue undefined => throw undefined.Fault(),
        _ => throw TemplateFault.Type($"{what} must be str, not {value.TypeName}"),
    };

    /// <summary>The value as text, whatever its type, and whether it is marked as markup.</summary>
    public static StringValue Soft(RenderContext context, Value value) =>
        value as StringValue ?? new StringValue(PythonText.Str(context, value));
}
