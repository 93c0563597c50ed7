using System.Globalization;
using System.Text.Json;
using Moesaic.Server.Errors;

namespace Moesaic.Server.Json;

/// <summary>A value of a request and the path where it stands. Every conversion either fits or refuses the request by path.</summary>
internal readonly struct JsonField
{
    private readonly JsonRequest _request;
    private readonly JsonFields? _owner;

    internal JsonField(JsonElement json, string path, JsonRequest request, JsonFields? owner = null)
    {
        Json = json;
        Path = path;
        _request = request;
        _owner = owner;
    }

    /// <summary>Where it stands, such as <c>messages[2].content</c>.</summary>
    public string Path { get; }

    public JsonValueKind Kind => Json.ValueKind;

    public bool IsText => Kind == JsonValueKind.String;

    public bool IsArray => Kind == JsonValueKind.Array;

    public bool IsObject => Kind == JsonValueKind.Object;

    public bool IsNumber => Kind == JsonValueKind.Number;

    public bool IsFlag => Kind is JsonValueKind.True or JsonValueKind.False;

    /// <summary>The value as it came; lives as long as the request.</summary>
    public JsonElement Json { get; }

    public bool Flag() => IsFlag ? Json.GetBoolean() : throw JsonErrors.WrongType(this, "true or false");

    /// <param name="maxLength">Most UTF-16 units.</param>
    public string Text(int maxLength = int.MaxValue)
    {
        string text = IsText ? Json.GetString()! : throw JsonErrors.WrongType(this, "a string");
        return text.Length <= maxLength ? text : throw Invalid($"the string has {text.Length} characters; at most {maxLength} are taken");
    }

    /// <summary>One of several words.</summary>
    public string OneOf(params ReadOnlySpan<string> words)
    {
        string text = IsText ? Json.GetString()! : throw JsonErrors.WrongType(this, $"one of {List(words)}");
        return words.Contains(text) ? text : throw JsonErrors.OutOfRange(this, $"one of {List(words)}");
    }

    public int Integer(int min, int max) => (int)Long(min, max);

    /// <summary>An integer; 3.0 and 3e0 count as 3, as they do for the clients that write them.</summary>
    public long Long(long min, long max)
    {
        if (!IsNumber)
        {
            throw JsonErrors.WrongType(this, "an integer");
        }

        if (!Json.TryGetInt64(out long value))
        {
            bool whole = Json.TryGetDouble(out double number) && Math.Abs(number) <= 1L << 53 && Math.Floor(number) == number;
            value = whole ? (long)number : throw JsonErrors.OutOfRange(this, Range("an integer", min, max));
        }

        return value >= min && value <= max ? value : throw JsonErrors.OutOfRange(this, Range("an integer", min, max));
    }

    /// <summary>A finite number within bounds that belong to the range, unless said otherwise.</summary>
    public double Number(double min, double max, bool minExcluded = false)
    {
        if (!IsNumber)
        {
            throw JsonErrors.WrongType(this, "a number");
        }

        bool fits = Json.TryGetDouble(out double value) && double.IsFinite(value) && value <= max && (minExcluded ? value > min : value >= min);
        return fits ? value : throw JsonErrors.OutOfRange(this, minExcluded
            ? string.Create(CultureInfo.InvariantCulture, $"a number above {min} and at most {max}")
            : Range("a number", min, max));
    }

    public JsonFields Object()
    {
        JsonFields fields = IsObject ? new JsonFields(Json, Path, _request) : throw JsonErrors.WrongType(this, "an object");
        _owner?.Adopt(fields);
        return fields;
    }

    /// <summary>The items of an array.</summary>
    public IReadOnlyList<JsonField> Items(int maxCount)
    {
        if (!IsArray)
        {
            throw JsonErrors.WrongType(this, "an array");
        }

        int count = Json.GetArrayLength();
        if (count > maxCount)
        {
            throw Invalid($"the array has {count} items; at most {maxCount} are taken");
        }

        List<JsonField> items = new(count);
        foreach (JsonElement item in Json.EnumerateArray())
        {
            items.Add(new JsonField(item, $"{Path}[{items.Count}]", _request, _owner));
        }

        return items;
    }

    /// <summary>An array of integers, such as token ids; no object is made for an item.</summary>
    public int[] Integers(int min, int max, int maxCount)
    {
        if (!IsArray)
        {
            throw JsonErrors.WrongType(this, "an array of integers");
        }

        int count = Json.GetArrayLength();
        if (count > maxCount)
        {
            throw Invalid($"the array has {count} items; at most {maxCount} are taken");
        }

        int[] values = new int[count];
        int i = 0;
        foreach (JsonElement item in Json.EnumerateArray())
        {
            values[i] = item.ValueKind == JsonValueKind.Number && item.TryGetInt32(out int value) && value >= min && value <= max
                ? value
                : new JsonField(item, $"{Path}[{i}]", _request).Integer(min, max);
            i++;
        }

        return values;
    }

    /// <summary>The entries of an object that is a map: names are data, none is unknown.</summary>
    public IReadOnlyList<KeyValuePair<string, JsonField>> Entries(int maxCount)
    {
        if (!IsObject)
        {
            throw JsonErrors.WrongType(this, "an object");
        }

        List<KeyValuePair<string, JsonField>> entries = [];
        foreach (JsonProperty property in Json.EnumerateObject())
        {
            if (entries.Count == maxCount)
            {
                throw Invalid($"the object has more than {maxCount} entries");
            }

            entries.Add(new(property.Name, new JsonField(property.Value, JsonFields.Join(Path, property.Name), _request, _owner)));
        }

        return entries;
    }

    /// <summary>A refusal of this value.</summary>
    public ApiException Invalid(string problem) => ApiException.Invalid(Path, problem);

    /// <inheritdoc cref="Invalid"/>
    public ApiException WrongType(string expected) => JsonErrors.WrongType(this, expected);

    /// <summary>A refusal of something that the protocol knows and this server does not do.</summary>
    public ApiException NotSupported(string problem) => ApiException.NotSupported(Path, problem);

    private static string List(ReadOnlySpan<string> words) => string.Join(", ", words.ToArray().Select(static w => $"'{w}'"));

    private static string Range<T>(string kind, T min, T max)
        where T : IFormattable => string.Create(CultureInfo.InvariantCulture, $"{kind} from {min} to {max}");
}
