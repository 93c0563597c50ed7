using System.Globalization;
using Moesaic.Models.ChatTemplates.Methods;
using Moesaic.Models.ChatTemplates.Runtime;
using Moesaic.Models.ChatTemplates.Values;
using Value = Moesaic.Models.ChatTemplates.ChatTemplateValue;

namespace Moesaic.Models.ChatTemplates.Filters;

/// <summary>The attribute argument of filters: a dotted path ("function.name", "parts.0") or an index.</summary>
internal sealed class AttributePath
{
    private readonly Value[] _parts;

    private AttributePath(Value[] parts) => _parts = parts;

    /// <summary>The path of an attribute argument; absent or None is the item itself.</summary>
    public static AttributePath Of(Value? attribute) => attribute switch
    {
        null or NoneValue => new([]),
        StringValue text => new([.. text.Text.Split('.').Select(Part)]),
        _ => new([attribute]),
    };

    /// <summary>Several paths with commas between them, as sort takes them.</summary>
    public static AttributePath[] Many(Value? attribute) =>
        attribute is StringValue text ? [.. text.Text.Split(',').Select(p => Of(new StringValue(p)))] : [Of(attribute)];

    /// <param name="item">Where the path starts.</param>
    /// <param name="whenUndefined">Stands for a part that is not there; null leaves it undefined.</param>
    public Value Get(Value item, Value? whenUndefined = null)
    {
        foreach (Value part in _parts)
        {
            item = Members.Item(item, part);
            if (item is UndefinedValue && whenUndefined is not (null or NoneValue))
            {
                item = whenUndefined;
            }
        }

        return item;
    }

    /// <summary>The value as a sorting key: text in lower case unless case counts.</summary>
    public static Value Key(Value value, bool caseSensitive) =>
        !caseSensitive && value is StringValue text ? new StringValue(Casing.Lower(text.Text)) : value;

    private static Value Part(string part) =>
        part.Length is > 0 and < 10 && part.All(char.IsAsciiDigit)
            ? new IntValue(int.Parse(part, NumberStyles.None, CultureInfo.InvariantCulture))
            : new StringValue(part);
}
