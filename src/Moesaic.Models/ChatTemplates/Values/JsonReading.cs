using System.Globalization;
using System.Numerics;
using System.Text.Json;
using Value = Moesaic.Models.ChatTemplates.ChatTemplateValue;

namespace Moesaic.Models.ChatTemplates.Values;

/// <summary>JSON to template values, with the numbers Python's json module would make.</summary>
internal static class JsonReading
{
    private const int MaxDepth = 256;

    public static Value Read(JsonElement element, int depth)
    {
        if (depth > MaxDepth)
        {
            throw new FormatException($"JSON nests deeper than {MaxDepth} levels");
        }

        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                DictValue dict = new();
                foreach (JsonProperty property in element.EnumerateObject())
                {
                    dict.Set(new StringValue(ReadName(property)), Read(property.Value, depth + 1));
                }

                return dict;
            case JsonValueKind.Array:
                List<Value> items = new(element.GetArrayLength());
                foreach (JsonElement item in element.EnumerateArray())
                {
                    items.Add(Read(item, depth + 1));
                }

                return new ListValue(items);
            case JsonValueKind.String:
                return new StringValue(ReadText(element));
            case JsonValueKind.Number:
                return ReadNumber(element.GetRawText());
            case JsonValueKind.True:
                return BoolValue.True;
            case JsonValueKind.False:
                return BoolValue.False;
            case JsonValueKind.Null:
                return NoneValue.Instance;
            default:
                throw new FormatException("an absent JSON value cannot be a template value");
        }
    }

    private static Value ReadNumber(string raw)
    {
        if (raw.AsSpan().IndexOfAny('.', 'e', 'E') >= 0)
        {
            return new FloatValue(double.Parse(raw, NumberStyles.Float, CultureInfo.InvariantCulture));
        }

        if (raw.Length > IntValue.MaxDigits)
        {
            throw new FormatException($"a JSON integer has {raw.Length} digits; at most {IntValue.MaxDigits} are taken");
        }

        return new IntValue(BigInteger.Parse(raw, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture));
    }

    private static string ReadText(JsonElement element)
    {
        try
        {
            return element.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw new FormatException("a JSON string holds half a surrogate pair, which is not text");
        }
    }

    private static string ReadName(JsonProperty property)
    {
        try
        {
            return property.Name;
        }
        catch (InvalidOperationException)
        {
            throw new FormatException("a JSON property name holds half a surrogate pair, which is not text");
        }
    }
}
