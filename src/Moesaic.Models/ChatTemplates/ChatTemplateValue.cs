using System.Text.Json;
using Moesaic.Models.ChatTemplates.Values;

namespace Moesaic.Models.ChatTemplates;

/// <summary>
/// A value as templates see it: Python's None, bool, int, float, str, list and dict. Immutable, so that one value
/// may serve many renderings at once.
/// </summary>
public abstract class ChatTemplateValue
{
    private protected ChatTemplateValue()
    {
    }

    /// <summary>Python's None; JSON null.</summary>
    public static ChatTemplateValue None => NoneValue.Instance;

    /// <summary>The name Python gives the type, as it stands in error messages.</summary>
    internal abstract string TypeName { get; }

    /// <summary>Python's truth value.</summary>
    internal virtual bool IsTrue => true;

    /// <summary>Number of items, or -1 for a type without len().</summary>
    internal virtual int Length => -1;

    public static ChatTemplateValue From(string value)
    {
        ArgumentNullException.ThrowIfNull(value);
        return new StringValue(value);
    }

    public static ChatTemplateValue From(bool value) => BoolValue.Of(value);

    public static ChatTemplateValue From(long value) => new IntValue(value);

    public static ChatTemplateValue From(double value) => new FloatValue(value);

    public static ChatTemplateValue From(IEnumerable<ChatTemplateValue> items) => new ListValue([.. items]);

    /// <summary>A dict with string keys, in the order given; a later entry replaces an earlier one of the same key.</summary>
    public static ChatTemplateValue From(IEnumerable<KeyValuePair<string, ChatTemplateValue>> entries)
    {
        ArgumentNullException.ThrowIfNull(entries);
        DictValue dict = new();
        foreach ((string key, ChatTemplateValue value) in entries)
        {
            dict.Set(new StringValue(key), value);
        }

        return dict;
    }

    /// <summary>
    /// A JSON value with Python's reading of numbers: a literal with fraction or exponent is a float, any other an
    /// integer of any size.
    /// </summary>
    /// <exception cref="FormatException">A string holds half a surrogate pair, an integer has more than 4300 digits,
    /// or the value nests deeper than 256 levels.</exception>
    public static ChatTemplateValue FromJson(JsonElement element) => JsonReading.Read(element, 0);

    /// <summary>The text of a str value; null for any other type.</summary>
    public string? AsText() => (this as StringValue)?.Text;

    /// <summary>Iterates as Python's iter() does; null for a type that is not iterable.</summary>
    internal virtual IEnumerator<ChatTemplateValue>? TryIterate() => null;
}
