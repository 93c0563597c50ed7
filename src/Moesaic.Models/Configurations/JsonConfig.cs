using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Unicode;
using Moesaic.Models.Checkpoints;

namespace Moesaic.Models.Configurations;

/// <summary>
/// A JSON object (config.json and the like) read key by key. Duplicate keys anywhere are an error; null counts as
/// absent, as it does for the program that writes these files.
/// </summary>
public sealed class JsonConfig : ConfigReader
{
    private const int MaxBytes = 16 << 20;
    private readonly JsonElement _object;
    private readonly string _prefix;
    private readonly Dictionary<string, JsonConfig> _children = new(StringComparer.Ordinal);

    private JsonConfig(string file, string prefix, JsonElement element)
        : base(file)
    {
        _prefix = prefix;
        _object = element;
    }

    /// <inheritdoc/>
    public override IEnumerable<string> UnreadKeys
    {
        get
        {
            foreach (JsonProperty property in _object.EnumerateObject())
            {
                if (property.Value.ValueKind == JsonValueKind.Null)
                {
                    continue;
                }

                if (!WasRead(property.Name))
                {
                    yield return property.Name;
                }
                else if (_children.TryGetValue(property.Name, out JsonConfig? child))
                {
                    foreach (string key in child.UnreadKeys)
                    {
                        yield return $"{property.Name}.{key}";
                    }
                }
            }
        }
    }

    /// <exception cref="ModelFormatException">The file is missing, too large, or not a JSON object with unique keys.</exception>
    public static JsonConfig Load(string path) => Parse(BoundedFile.ReadAllBytes(path, MaxBytes), path);

    /// <summary>Loads the file, or returns null where there is none.</summary>
    /// <exception cref="ModelFormatException">The file is there but too large, or not a JSON object with unique keys.</exception>
    public static JsonConfig? LoadIfPresent(string? path) => path is not null && System.IO.File.Exists(path) ? Load(path) : null;

    /// <exception cref="ModelFormatException">The text is not a JSON object with unique keys.</exception>
    public static JsonConfig Parse(ReadOnlyMemory<byte> json, string file)
    {
        try
        {
            CheckStrings(json.Span);
            using JsonDocument document = JsonDocument.Parse(json, new JsonDocumentOptions { AllowDuplicateProperties = false });
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? new JsonConfig(file, "", document.RootElement.Clone())
                : throw new ModelFormatException(file, "root", $"expected a JSON object, found {NameOf(document.RootElement.ValueKind)}.");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new ModelFormatException(file, "root", $"it is not valid JSON: {e.Message}", e);
        }
    }

    /// <inheritdoc/>
    public override bool Has(string key) => _object.TryGetProperty(key, out JsonElement element) && element.ValueKind != JsonValueKind.Null;

    /// <summary>Whether the key is there with null, for the few keys where that says something else than absence. Does not count as reading it.</summary>
    public bool IsNull(string key) => _object.TryGetProperty(key, out JsonElement element) && element.ValueKind == JsonValueKind.Null;

    /// <inheritdoc/>
    public override bool TryGetInt64(string key, out long value)
    {
        value = 0;
        return TryGet(key, out JsonElement element) && (IsInt64(element, out value) ? true : throw WrongType(key, "an integer", element));
    }

    /// <inheritdoc/>
    public override bool TryGetDouble(string key, out double value)
    {
        value = 0;
        return TryGet(key, out JsonElement element) && (IsFinite(element, out value) ? true : throw WrongType(key, "a number", element));
    }

    /// <inheritdoc/>
    public override bool TryGetBoolean(string key, out bool value)
    {
        value = false;
        if (!TryGet(key, out JsonElement element))
        {
            return false;
        }

        value = element.ValueKind is JsonValueKind.True or JsonValueKind.False ? element.GetBoolean() : throw WrongType(key, "true or false", element);
        return true;
    }

    /// <inheritdoc/>
    public override bool TryGetString(string key, [NotNullWhen(true)] out string? value)
    {
        value = TryGet(key, out JsonElement element) ? ReadString(key, element) : null;
        return value is not null;
    }

    /// <inheritdoc/>
    public override bool TryGetInt32Array(string key, [NotNullWhen(true)] out int[]? value) =>
        TryGetArray(key, "an array of integers", (e, element) => IsInt64(e, out long wide) && wide is >= int.MinValue and <= int.MaxValue ? (int)wide : throw WrongType(key, "an array of 32-bit integers", element), out value);

    /// <inheritdoc/>
    public override bool TryGetDoubleArray(string key, [NotNullWhen(true)] out double[]? value) =>
        TryGetArray(key, "an array of numbers", (e, element) => IsFinite(e, out double number) ? number : throw WrongType(key, "an array of numbers", element), out value);

    /// <inheritdoc/>
    public override bool TryGetBooleanArray(string key, [NotNullWhen(true)] out bool[]? value) =>
        TryGetArray(key, "an array of booleans", (e, element) => e.ValueKind is JsonValueKind.True or JsonValueKind.False ? e.GetBoolean() : throw WrongType(key, "an array of booleans", element), out value);

    /// <inheritdoc/>
    public override bool TryGetStringArray(string key, [NotNullWhen(true)] out string[]? value) =>
        TryGetArray(key, "an array of strings", (e, _) => ReadString(key, e), out value);

    /// <summary>An id or an array of ids, as <c>eos_token_id</c> may be.</summary>
    public bool TryGetInt32OrArray(string key, [NotNullWhen(true)] out int[]? value)
    {
        if (_object.TryGetProperty(key, out JsonElement element) && element.ValueKind == JsonValueKind.Array)
        {
            return TryGetInt32Array(key, out value);
        }

        value = TryGetInt32(key, out int single) ? [single] : null;
        return value is not null;
    }

    /// <summary>A nested object; its own unread keys count as unread here.</summary>
    public bool TryGetObject(string key, [NotNullWhen(true)] out JsonConfig? value)
    {
        if (_children.TryGetValue(key, out value))
        {
            return true;
        }

        if (!TryGet(key, out JsonElement element))
        {
            return false;
        }

        value = element.ValueKind == JsonValueKind.Object
            ? new JsonConfig(File, FullName(key) + ".", element)
            : throw WrongType(key, "an object", element);
        _children.Add(key, value);
        return true;
    }

    /// <summary>Whether the value is an object, for keys that hold either a string or an object. Does not count as reading it.</summary>
    public bool IsObject(string key) => _object.TryGetProperty(key, out JsonElement element) && element.ValueKind == JsonValueKind.Object;

    /// <inheritdoc/>
    private protected override string FullName(string key) => _prefix + key;

    /// <inheritdoc/>
    private protected override string Describe(string key)
    {
        JsonElement element = _object;
        foreach (string part in _object.TryGetProperty(key, out _) ? [key] : key.Split('.'))
        {
            if (element.ValueKind != JsonValueKind.Object || !element.TryGetProperty(part, out element))
            {
                return "?";
            }
        }

        return Shorten(element);
    }

    /// <summary>
    /// The parser accepts bytes that are not UTF-8 and lone surrogates inside strings, and only fails when one is
    /// taken out as text, keys included. Found here once, so that nothing later has to expect it.
    /// </summary>
    private static void CheckStrings(ReadOnlySpan<byte> json)
    {
        if (!Utf8.IsValid(json))
        {
            throw new JsonException("the text is not valid UTF-8.");
        }

        Utf8JsonReader reader = new(json);
        while (reader.Read())
        {
            if (reader.TokenType is JsonTokenType.PropertyName or JsonTokenType.String && reader.ValueIsEscaped)
            {
                reader.GetString();
            }
        }
    }

    private bool TryGet(string key, out JsonElement element)
    {
        MarkRead(key);
        return _object.TryGetProperty(key, out element) && element.ValueKind != JsonValueKind.Null;
    }

    private bool TryGetArray<T>(string key, string expected, Func<JsonElement, JsonElement, T> convert, [NotNullWhen(true)] out T[]? value)
    {
        value = null;
        if (!TryGet(key, out JsonElement element))
        {
            return false;
        }

        if (element.ValueKind != JsonValueKind.Array)
        {
            throw WrongType(key, expected, element);
        }

        value = new T[element.GetArrayLength()];
        int i = 0;
        foreach (JsonElement item in element.EnumerateArray())
        {
            value[i++] = convert(item, element);
        }

        return true;
    }

    private string ReadString(string key, JsonElement element) =>
        element.ValueKind == JsonValueKind.String ? element.GetString()! : throw WrongType(key, "a string", element);

    /// <summary>Python writes 8.0 where it computed an integer with a division; accepted as 8.</summary>
    private static bool IsInt64(JsonElement element, out long value)
    {
        value = 0;
        if (element.ValueKind != JsonValueKind.Number)
        {
            return false;
        }

        if (element.TryGetInt64(out value))
        {
            return true;
        }

        bool whole = IsFinite(element, out double number) && Math.Abs(number) <= 1L << 53 && Math.Floor(number) == number;
        value = whole ? (long)number : 0;
        return whole;
    }

    private static bool IsFinite(JsonElement element, out double value)
    {
        value = 0;
        return element.ValueKind == JsonValueKind.Number && element.TryGetDouble(out value) && double.IsFinite(value);
    }

    private ModelFormatException WrongType(string key, string expected, JsonElement found) =>
        Error(key, $"expected {expected}, found {NameOf(found.ValueKind)} {Shorten(found)}.");

    private static string NameOf(JsonValueKind kind) => kind switch
    {
        JsonValueKind.Object => "the object",
        JsonValueKind.Array => "the array",
        JsonValueKind.String => "the string",
        JsonValueKind.Number => "the number",
        _ => "the value",
    };

    private static string Shorten(JsonElement element)
    {
        string text = element.GetRawText();
        return text.Length <= 64 ? text : string.Concat(text.AsSpan(0, 64), "...");
    }
}
